"""The one base class of all values, and their canonical JSON."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

# Of types that are published as JSON Schemas, by name: each with where its values are found. A module that has one calls it SCHEMAS.
SchemaTable = Mapping[str, tuple[Any, str]]
SchemaName = Annotated[
    str, msgspec.Meta(description="name and number of its schema", pattern=r"^benchloom\.[a-z-]+/[1-9][0-9]*$")
]


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An immutable value. Compared by content; written to JSON without default fields."""

    if sys.version_info < (3, 11):
        # msgspec knows a default empty tuple by identity, and before 3.11 tuple(generator) can make another one: equal
        # values would not give equal bytes.
        def __post_init__(self) -> None:
            for name in self.__struct_fields__:
                if getattr(self, name) == ():
                    msgspec.structs.force_setattr(self, name, ())


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable value that is written to a file with every field present."""


def to_json(value: object, *, indent: int = 2) -> bytes:
    """Return canonical JSON: sorted keys, stable floats, a trailing newline; equal values give equal bytes."""
    data = msgspec.json.encode(value, order="sorted")
    return msgspec.json.format(data, indent=indent) + b"\n"
