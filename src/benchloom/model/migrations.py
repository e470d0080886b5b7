"""Migrate results and records of earlier schemas to the present one when they are read."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from benchloom.model.old_plans import PLAN_SCHEMAS, upgraded
from benchloom.model.plan import PLAN_SCHEMA
from benchloom.model.record import RECORD_SCHEMA, RESULTS_SCHEMA, Record, Results
from benchloom.model.schema_version import refuse_unknown_schema

Document = dict[str, Any]
Read = TypeVar("Read", Record, Results)


class _PlanHead(msgspec.Struct):
    schema: str = PLAN_SCHEMA


class _Head(msgspec.Struct):
    schema: str = ""
    plan: _PlanHead = msgspec.field(default_factory=_PlanHead)


_FIX = "run again, or read it with the version that wrote it"  # what to do about a schema that is not known


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
    head = msgspec.json.decode(data, type=_Head)
    what = f"the {type_.__name__.lower()}"
    refuse_unknown_schema(head.schema or present, [*steps, present], what=what, where=where, fix=_FIX)
    refuse_unknown_schema(head.plan.schema, PLAN_SCHEMAS, what=f"the plan of {what}", where=where, fix=_FIX)
    if head.schema in {present, ""}:
        return msgspec.json.decode(data, type=type_)
    found = msgspec.json.decode(data, type=Document)
    while found["schema"] != present:
        found = steps[found["schema"]](found)
    return msgspec.convert(found, type_)


def _results_2(old: Document) -> Document:
    """Blockers were texts; since schema 2 each has the code of its rule and a reference."""
    blockers = [{"code": "", "text": text} for text in old.get("blockers", ())]
    return {**old, "schema": "benchloom.results/2", "blockers": blockers}


def _record_2(old: Document) -> Document:
    """Results in it have schema 2, and its plan has the present one."""
    repetitions = [{**item, "results": _within(item.get("results"))} for item in old["repetitions"]]
    return {
        **old,
        "schema": "benchloom.record/2",
        "plan": upgraded(old["plan"]),
        "results": _within(old.get("results")),
        "repetitions": repetitions,
    }


def _within(results: Document | None) -> Document | None:
    return results and _results_2(results)


_RESULTS = {"benchloom.results/1": _results_2}
_RECORDS = {"benchloom.record/1": _record_2}
