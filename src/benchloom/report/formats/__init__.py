"""Report formats: a package per kind of value with a module per format; both are found by name.

``formats/<kind>/<format>.py`` has ``render(value, medium)``, which returns blocks, and may state file extensions as
``ENDINGS``. A kind with ``tables.py`` also has the formats of ``formats/tables/``, and every kind has JSON. To add a
format, add its module: there is no list.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Any

from benchloom.model.base import Value

JSON = "json"
_TABLES = "tables"


class Medium(Value, frozen=True, kw_only=True):
    """The destination of a report.

    Attributes:
        width: its columns; None for a file or pipe, with lines of any length.
        is_ascii: whether it supports only ASCII.
        everything: whether to include all details.
    """

    width: int | None = None
    is_ascii: bool = False
    everything: bool = False


class Table(Value, frozen=True, kw_only=True):
    """Rows of cells (the first may hold the headers); ``title`` is a line above."""

    rows: tuple[tuple[str, ...], ...]
    has_heads: bool = True
    title: str = ""


class Exact(Value, frozen=True, kw_only=True):
    """Text whose lines must not be wrapped: a drawing, or text for another program."""

    text: str


Block = str | Table | Exact


def formats_of(kind: str) -> tuple[str, ...]:
    """Return the sorted formats of a kind of value, without importing any renderer."""
    own = _modules(kind)
    shared = _modules(_TABLES) if _TABLES in own else set()
    return tuple(sorted((own | shared | {JSON}) - {_TABLES}))


def format_of_ending(kind: str, ending: str) -> str:
    """Return the format for a file extension such as ``.svg``; '' if there is none."""
    if ending.lower() == f".{JSON}":
        return JSON
    found = (name for name in formats_of(kind) if name != JSON and ending.lower() in _endings(kind, name))
    return next(found, "")


def render(kind: str, format_: str, value: Any, medium: Medium) -> Iterator[Block]:
    """Yield the blocks of ``value`` in a format of ``formats_of`` except JSON."""
    if format_ in _modules(kind):
        yield from _module(kind, format_).render(value, medium)
    else:
        tables: Iterable[Table] = _module(kind, _TABLES).tables(value, medium)
        yield from _module(_TABLES, format_).render(tables, medium)


def document_of(kind: str, value: Any) -> Any:
    """Return the part of ``value`` that is written as JSON."""
    return _module(kind, JSON).document(value) if JSON in _modules(kind) else value


def _modules(kind: str) -> set[str]:
    return {item.name for folder in __path__ for item in pkgutil.iter_modules([f"{folder}/{kind}"])}


def _module(kind: str, name: str) -> Any:
    return importlib.import_module(f"{__name__}.{kind}.{name}")


def _endings(kind: str, name: str) -> tuple[str, ...]:
    endings: tuple[str, ...] = getattr(_module(kind if name in _modules(kind) else _TABLES, name), "ENDINGS", ())
    return endings
