"""Results and records of earlier schemas, brought to the present one as they are read."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from benchloom.errors import InputError
from benchloom.model.record import RECORD_SCHEMA, RESULTS_SCHEMA, Record, Results

Document = dict[str, Any]
Read = TypeVar("Read", Record, Results)


class _Head(msgspec.Struct):
    schema: str = ""


def decode_record(data: bytes, where: str) -> Record:
    """Return the record in ``data``, whichever schema it has.

    Raises InputError for a schema that is not known, and msgspec.MsgspecError for data that do not fit theirs.
    """
    return _decode(data, Record, RECORD_SCHEMA, _RECORDS, where)


def decode_results(data: bytes, where: str) -> Results:
    """Return the results in ``data``, whichever schema they have. Raises as ``decode_record`` does."""
    return _decode(data, Results, RESULTS_SCHEMA, _RESULTS, where)


def _decode(
    data: bytes, type_: type[Read], present: str, steps: Mapping[str, Callable[[Document], Document]], where: str
) -> Read:
    schema = msgspec.json.decode(data, type=_Head).schema
    if schema in {present, ""}:
        return msgspec.json.decode(data, type=type_)
    if schema not in steps:
        raise InputError(
            f"{schema!r} is not a schema that this version reads",
            where=f"{where}: schema",
            why=[f"it reads {', '.join([*steps, present])}"],
            fix="read it with the version that wrote it, or a newer one",
        )
    found = msgspec.json.decode(data, type=Document)
    while found["schema"] != present:
        found = steps[found["schema"]](found)
    return msgspec.convert(found, type_)


def _results_2(old: Document) -> Document:
    """Blockers were texts; since schema 2 each has the code of its rule and a reference."""
    blockers = [{"code": "", "text": text} for text in old.get("blockers", ())]
    return {**old, "schema": "benchloom.results/2", "blockers": blockers}


def _record_2(old: Document) -> Document:
    """Results in it have schema 2."""
    repetitions = [{**item, "results": _within(item.get("results"))} for item in old["repetitions"]]
    return {**old, "schema": "benchloom.record/2", "results": _within(old.get("results")), "repetitions": repetitions}


def _within(results: Document | None) -> Document | None:
    return results and _results_2(results)


_RESULTS = {"benchloom.results/1": _results_2}
_RECORDS = {"benchloom.record/1": _record_2}
