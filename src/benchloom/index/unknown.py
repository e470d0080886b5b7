"""Find unknown keys in typed blocks: a typing mistake would otherwise be silently ignored."""

import types
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec


def unknown_keys(data: Any, type_: Any, key: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the dotted key of each value in ``data`` without a field in ``type_``, with the known fields."""
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in {Union, types.UnionType}:
        for option in arguments:
            if isinstance(option, type) and issubclass(option, msgspec.Struct):
                yield from unknown_keys(data, option, key)
    elif origin is tuple and isinstance(data, list):
        for position, item in enumerate(data):
            yield from unknown_keys(item, arguments[0], f"{key}.{position}")
    elif isinstance(type_, type) and issubclass(type_, msgspec.Struct) and isinstance(data, Mapping):
        fields = _fields(type_)
        for name, item in data.items():
            if name not in fields:
                yield f"{key}.{name}", tuple(fields)
            else:
                yield from unknown_keys(item, fields[name], f"{key}.{name}")


@lru_cache(maxsize=64)
def _fields(type_: type[msgspec.Struct]) -> dict[str, Any]:
    hints = get_type_hints(type_)
    return {name: hints[name] for name in type_.__struct_fields__}
