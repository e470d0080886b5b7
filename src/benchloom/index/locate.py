"""Locate a key in a file; used only for messages about it."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import yaml

from benchloom.base.limits import METADATA_BYTES


def locate(file: Path, key: Sequence[str]) -> int:
    """Return the 1-based line of ``key`` in a JSON or YAML file, of its nearest parent if it is absent, or 0.

    A name that contains dots may be given as several parts: ``batch.#`` as ``batch`` and ``#``.
    """
    try:
        status = file.stat()
        node = _composed(file, status.st_mtime_ns, status.st_size)
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


@lru_cache(maxsize=1)
def _composed(file: Path, modified: int, size: int) -> yaml.Node | None:
    """Return the nodes of a file, cached, since many keys of one file are looked up; none if it is too large."""
    del modified
    if size > METADATA_BYTES:
        return None
    text = file.read_text(encoding="utf-8-sig").replace("\t", " ")  # JSON may be indented by tabs, YAML may not
    node: yaml.Node | None = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return node


def _step(node: yaml.Node, key: Sequence[str]) -> tuple[int, yaml.Node, int] | None:
    """Return the line and value of the longest prefix of ``key`` in ``node``, and the number of its parts."""
    if isinstance(node, yaml.SequenceNode):
        if not key[0].isdecimal() or int(key[0]) >= len(node.value):
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
