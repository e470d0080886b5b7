"""Requirements as CK and CM write them."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchloom.errors import InputError
from benchloom.model.component import Condition, Requirement
from benchloom.model.query import Query, parse_query

DEP_KEYS = frozenset(
    [
        "tags",
        "name",
        "names",
        "sort",
        "local",
        "version",
        "version_from",
        "version_to",
        "version_min",
        "version_max",
        "no_tags",
        "optional",
        "enable_if_env",
        "disable_if_env",
        "skip_if_env",
        "enable_if_any_env",
        "skip_if_any_env",
        "env",
        "force_target_as_host",
        "skip_default",
        "update_tags_if_env",
        "add_to_path",
        "or_tags",
        "only_for_target_os_tags",
        "skip_from_bat",
        "version_max_usable",
        "force_cache",
        "extra_cache_tags",
    ]
)


def read_requirements(block: Any, key: str, requirer: str, file: str) -> tuple[Requirement, ...]:
    """Read ``deps`` in either form. Raises InputError naming the key where one cannot be read."""
    return tuple(
        _requirement(role, dep, f"{key}.{place}", requirer, file) for role, place, dep in _items(block, requirer)
    )


def _items(block: Any, requirer: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if isinstance(block, Mapping):
        for role, dep in block.items():
            yield str(role), str(role), dep
        return
    for position, dep in enumerate(block or []):
        names = dep.get("names") or []
        role = names if isinstance(names, str) else (names[0] if names else f"{requirer}/{position}")
        yield role, str(position), dep


def _requirement(role: str, dep: Mapping[str, Any], key: str, requirer: str, file: str) -> Requirement:
    where = f"{file}: {key}"
    if not isinstance(dep, Mapping):
        raise InputError("a requirement must be a table with 'tags'", where=where)
    query = parse_query(str(dep.get("tags", "")), where=where)
    return Requirement(
        role=role,
        query=query.merged(Query(version=_range(dep), without=tuple(sorted(_words(dep.get("no_tags", "")))))),
        requirer=requirer,
        where=where,
        optional=dep.get("optional") in {True, "yes"},
        conditions=tuple(_conditions(dep)),
        sort=int(dep.get("sort", 0)),
        env={str(k): str(v) for k, v in (dep.get("env") or {}).items()},
    )


def _range(dep: Mapping[str, Any]) -> str:
    text = str(dep.get("version", ""))
    parts = [text if text[:1] in "<>=!~" else f"=={text}"] if text else []
    parts += [f">={_joined(dep[key])}" for key in ("version_from", "version_min") if dep.get(key)]
    parts += [f"<={_joined(dep[key])}" for key in ("version_to", "version_max") if dep.get(key)]
    return ",".join(parts)


def _joined(value: Any) -> str:
    return ".".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _words(value: Any) -> set[str]:
    words = value if isinstance(value, list) else str(value).split(",")
    return {str(word).strip() for word in words if str(word).strip()}


def _conditions(dep: Mapping[str, Any]) -> Iterator[Condition]:
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
        yield Condition(
            convention="ck" if isinstance(table, list) else "cm",
            alternatives=tuple({str(k): _accepted(v) for k, v in item.items()} for item in alternatives),
            any=is_any,
            negate=negate,
        )


def _accepted(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(("yes" if item else "no") if isinstance(item, bool) else str(item) for item in values)
