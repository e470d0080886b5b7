"""Formats of reports: a folder for each kind of value, a module for each of its formats; both are found by their names.

``formats/<kind>/<format>.py`` has ``render(value, medium)``, which returns blocks, and states the ``ENDINGS`` of files in its
format, if there are such. A kind with ``tables.py`` can be had in the formats of ``formats/tables/``, too, and every kind as JSON.
To add a format, write its module: nothing lists it.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Any

from benchloom.model.base import Value

JSON = "json"
_TABLES = "tables"


class Medium(Value, frozen=True, kw_only=True):
    """What a report is written to.

    Attributes:
        width: its columns; None for a file or pipe, which take lines of any length.
        is_ascii: whether it takes no other characters.
        everything: whether nothing is to be left out.
    """

    width: int | None = None
    is_ascii: bool = False
    everything: bool = False


class Table(Value, frozen=True, kw_only=True):
    """Rows of cells, the first of which may have the heads; ``title`` is a line above."""

    rows: tuple[tuple[str, ...], ...]
    has_heads: bool = True
    title: str = ""


class Exact(Value, frozen=True, kw_only=True):
    """Text whose lines may not be broken: it is a drawing, or for another program."""

    text: str


Block = str | Table | Exact


def formats_of(kind: str) -> tuple[str, ...]:
    """Return the formats that a kind of value can be had in, by alphabet. No renderer is imported for that."""
    own = _modules(kind)
    shared = _modules(_TABLES) if _TABLES in own else set()
    return tuple(sorted((own | shared | {JSON}) - {_TABLES}))


def format_of_ending(kind: str, ending: str) -> str:
    """Return the format that files with an ending such as ``.svg`` are in; '' if there is none."""
    if ending.lower() == f".{JSON}":
        return JSON
    found = (name for name in formats_of(kind) if name != JSON and ending.lower() in _endings(kind, name))
    return next(found, "")


def render(kind: str, format_: str, value: Any, medium: Medium) -> Iterator[Block]:
    """Yield the blocks of ``value`` in a format of ``formats_of``, other than JSON."""
    if format_ in _modules(kind):
        yield from _module(kind, format_).render(value, medium)
    else:
        tables: Iterable[Table] = _module(kind, _TABLES).tables(value, medium)
        yield from _module(_TABLES, format_).render(tables, medium)


def document_of(kind: str, value: Any) -> Any:
    """Return what of ``value`` is written as JSON."""
    return _module(kind, JSON).document(value) if JSON in _modules(kind) else value


def _modules(kind: str) -> set[str]:
    return {item.name for folder in __path__ for item in pkgutil.iter_modules([f"{folder}/{kind}"])}


def _module(kind: str, name: str) -> Any:
    return importlib.import_module(f"{__name__}.{kind}.{name}")


def _endings(kind: str, name: str) -> tuple[str, ...]:
    endings: tuple[str, ...] = getattr(_module(kind if name in _modules(kind) else _TABLES, name), "ENDINGS", ())
    return endings
