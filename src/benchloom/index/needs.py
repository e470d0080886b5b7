"""Requirements as CK and CM write them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchloom.errors import InputError
from benchloom.model.component import Condition, Requirement
from benchloom.model.query import Query, parse_query
from benchloom.model.values import whole
from benchloom.model.version import parse_range


def read_requirements(block: Any, key: str, requirer: str, file_of: Callable[[str], str]) -> tuple[Requirement, ...]:
    """Read ``deps`` in either form; ``file_of`` says which file has a dotted key.

    Raises InputError naming the key if one cannot be read.
    """
    return tuple(
        _requirement(role, dep, f"{file_of(f'{place}.tags')}: {place}", requirer)
        for role, dep, place in _items(block, key, requirer, file_of)
    )


def _items(
    block: Any, key: str, requirer: str, file_of: Callable[[str], str]
) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield role, requirement and dotted key of each. CM's unnamed ones get a role named after their position."""
    if not isinstance(block, Mapping | list):
        raise InputError("requirements must be a table or a list", where=f"{file_of(key)}: {key}")
    pairs = block.items() if isinstance(block, Mapping) else enumerate(block)
    for name, dep in pairs:
        place = f"{key}.{name}"
        if not isinstance(dep, Mapping):
            raise InputError("a requirement must be a table with 'tags'", where=f"{file_of(place)}: {place}")
        names = dep.get("names") or []
        first = names if isinstance(names, str) else next(iter(names), "")
        role = str(name) if isinstance(block, Mapping) else first or f"{requirer}/{place}"
        yield role, dep, place


def _requirement(role: str, dep: Mapping[str, Any], where: str, requirer: str) -> Requirement:
    query = parse_query(",".join(_words(dep.get("tags"))), where=f"{where}.tags")
    excluded = parse_query(",".join(f"-{word}" for word in _words(dep.get("no_tags"))), where=f"{where}.no_tags")
    more = excluded.merged(Query(version=_range(dep, where)))
    return Requirement(
        role=role,
        query=query.merged(more),
        requirer=requirer,
        where=where,
        optional=dep.get("optional") in (True, "yes"),
        continue_on_error=dep.get("continue_on_error") in (True, "yes"),
        conditions=tuple(_conditions(dep, where)),
        sort=whole_of(dep.get("sort"), f"{where}.sort"),
        env={str(key): text(value) for key, value in (dep.get("env") or {}).items()},
    )


def _range(dep: Mapping[str, Any], where: str) -> str:
    """Return the range of a requirement: ``version`` (exactly, or a range), CK's ``_from``/``_to``, CM's ``_min``/``_max``."""
    parts = []
    for key, operator in _BOUNDS.items():
        if bound := _joined(dep.get(key)):
            parts.append(str(parse_range(f"{operator}{bound}", where=f"{where}.{key}")))
    return str(parse_range(",".join(parts)))


_BOUNDS = {"version": "", "version_from": ">=", "version_min": ">=", "version_to": "<=", "version_max": "<="}


def _joined(value: Any) -> str:
    return ".".join(map(str, value)) if isinstance(value, list) else text(value)


def _words(value: Any) -> list[str]:
    """Return the words of a comma-separated string or a list."""
    words = value if isinstance(value, list) else text(value).split(",")
    return [str(word).strip() for word in words if str(word).strip()]


def _conditions(dep: Mapping[str, Any], where: str) -> Iterator[Condition]:
    forms = (
        ("enable_if_env", False, False),
        ("disable_if_env", False, True),
        ("skip_if_env", False, True),
        ("enable_if_any_env", True, False),
        ("skip_if_any_env", True, True),
    )
    for key, is_any, negate in forms:
        if key not in dep:
            continue
        table = dep[key]
        alternatives = table if isinstance(table, list) else [table]
        if not all(isinstance(item, Mapping) for item in alternatives):
            raise InputError("a condition must be a table of variables and values", where=f"{where}.{key}")
        yield Condition(
            convention="ck" if isinstance(table, list) else "cm",
            alternatives=tuple({str(k): _accepted(v) for k, v in item.items()} for item in alternatives),
            any=is_any,
            negate=negate,
        )


def _accepted(value: Any) -> tuple[str, ...]:
    return tuple(text(item) for item in (value if isinstance(value, list) else [value]))


def text(value: Any) -> str:
    """Return a scalar as CK and CM interpret it: ``yes`` or ``no`` for a boolean, '' for null."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def whole_of(value: Any, where: str) -> int:
    """Return an integer, 0 if empty. Raises InputError if it is not a whole number within 64 bits."""
    is_whole = isinstance(value, float) and value.is_integer()
    return whole(text(int(value) if is_whole else value) or "0", where)
