"""Which types are published as JSON Schemas: each is named in the table ``SCHEMAS`` of the module that defines it."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import benchloom

_BLOCK = "block-"
_TABLE = b"\nSCHEMAS: SchemaTable = "


@cache
def published_types() -> dict[str, tuple[Any, str]]:
    """Return every published type by the name of its schema, sorted, with where its values are found.

    Raises ValueError if two modules publish a schema of one name.
    """
    found: dict[str, tuple[Any, str]] = {}
    for module in _modules():
        table = import_module(module).SCHEMAS
        if twice := found.keys() & table.keys():
            raise ValueError(f"{module} publishes {sorted(twice)}, as another module does")
        found |= table
    return dict(sorted(found.items()))


def _modules() -> Iterator[str]:
    """Yield modules that have such a table. Their text tells, so that no other module has to be imported."""
    root = Path(benchloom.__path__[0])
    for path in sorted(root.rglob("*.py")):
        if _TABLE in path.read_bytes():
            yield ".".join([root.name, *path.relative_to(root).with_suffix("").parts])


def block_types() -> dict[str, Any]:
    """Return the types of the blocks of metadata files by the name of the block; ``input`` is one item of ``inputs``."""
    blocks = (item for item in published_types().items() if item[0].startswith(_BLOCK))
    return {name.removeprefix(_BLOCK): type_ for name, (type_, _) in blocks}
