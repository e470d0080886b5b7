"""The one base class of all values, and their canonical JSON."""

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An immutable value. Compared by content; written to JSON without default fields."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable value that is written to a file with every field present."""


def to_json(value: object, *, indent: int = 2) -> bytes:
    """Return canonical JSON: sorted keys, stable floats, a trailing newline; equal values give equal bytes."""
    data = msgspec.json.encode(value, order="sorted")
    return msgspec.json.format(data, indent=indent) + b"\n"
