"""Where in a file a key stands. Read only when there is something to say about it."""

from collections.abc import Sequence
from pathlib import Path

import yaml


def locate(file: Path, key: Sequence[str]) -> int:
    """Return the 1-based line of ``key`` in a JSON or YAML file, of its nearest parent if it is absent, or 0."""
    try:
        node = yaml.compose(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError):
        return 0
    line = 0
    for part in key:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == part), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
        else:
            return line
    return line
