"""Where in a file a key stands. Read only when there is something to say about it."""

from collections.abc import Sequence
from pathlib import Path

import yaml


def locate(file: Path, key: Sequence[str]) -> int:
    """Return the 1-based line of ``key`` in a JSON or YAML file, of its nearest parent if it is absent, or 0.

    A name that holds dots itself may come as several parts: ``batch.#`` as ``batch`` and ``#``.
    """
    try:
        text = file.read_text(encoding="utf-8").replace("\t", " ")  # JSON may be indented by tabs, YAML may not
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return 0
    line = 0
    while key and node is not None:
        found = _step(node, key)
        if found is None:
            return line
        line, node, taken = found
        key = key[taken:]
    return line


def _step(node: yaml.Node, key: Sequence[str]) -> tuple[int, yaml.Node, int] | None:
    """Return the line and value of the longest beginning of ``key`` that ``node`` holds, and how many parts it took."""
    if isinstance(node, yaml.SequenceNode):
        if not key[0].isdigit() or int(key[0]) >= len(node.value):
            return None
        item = node.value[int(key[0])]
        return item.start_mark.line + 1, item, 1
    if not isinstance(node, yaml.MappingNode):
        return None
    values = {str(name.value): (name.start_mark.line + 1, value) for name, value in node.value}
    for taken in range(len(key), 0, -1):
        if (name := ".".join(key[:taken])) in values:
            return *values[name], taken
    return None
