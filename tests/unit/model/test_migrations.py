"""Results and records of schema 1 are read as those of the present one; what is newer is refused with what to do."""

import json
from typing import Any

import msgspec
import pytest

from benchloom.errors import InputError
from benchloom.model.base import to_json
from benchloom.model.migrations import decode_record, decode_results
from benchloom.model.record import RECORD_SCHEMA, RESULTS_SCHEMA, Blocker
from support.results import RESULTS

OLD = {**msgspec.to_builtins(RESULTS), "schema": "benchloom.results/1", "blockers": ["too short", "INVALID"]}


def old_record() -> dict[str, Any]:
    platform = {"os": "linux", "arch": "x86_64", "python": "3.11"}
    plan = {
        "schema": "benchloom.plan/1",
        "target": "program:p",
        "command": "",
        "inputs": {},
        "env": {},
        "platform": platform,
    }
    host = {"os": "o", "kernel": "k", "arch": "a", "cpu_model": "c", "cores": 1, "memory_bytes": None, "python": "3.11"}
    times = {"started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:00:01Z"}
    repetition = {**times, "seconds": 1.0, "status": "ok", "exit_code": 0, "results": OLD}
    texts = dict.fromkeys(("id", "target", "status", "directory", "plan_digest", "lock_digest"), "x")
    lists = {key: [] for key in ("command", "arguments", "tags")}
    tables = {key: {} for key in ("statistics", "inputs", "outputs")}
    return {
        "schema": "benchloom.record/1", **texts, **lists, **tables, **times, "plan": {**plan, "nodes": []},
        "host": host, "repetitions": [repetition, {**repetition, "results": None}], "results": OLD,
    }  # fmt: skip


def test_results_of_schema_1_get_blockers_with_a_text():
    found = decode_results(json.dumps(OLD).encode(), "results.json")
    assert found.schema == RESULTS_SCHEMA
    assert found.blockers == (Blocker(code="", text="too short"), Blocker(code="", text="INVALID"))


def test_results_of_the_present_schema_are_read_as_they_are():
    assert decode_results(to_json(RESULTS), "results.json") == RESULTS


def test_record_of_schema_1_is_read_with_all_its_results():
    found = decode_record(json.dumps(old_record()).encode(), "r.json")
    assert found.schema == RECORD_SCHEMA
    assert found.results is not None
    assert [item.text for item in found.results.blockers] == ["too short", "INVALID"]
    assert found.repetitions[0].results == found.results
    assert found.repetitions[1].results is None
    assert decode_record(to_json(found), "r.json") == found


@pytest.mark.parametrize("decode", [decode_record, decode_results])
def test_schema_of_a_later_version_is_refused_with_what_to_do(decode: Any):
    with pytest.raises(InputError, match=r"is of schema 'benchloom\.other/9', which is not known") as caught:
        decode(b'{"schema": "benchloom.other/9"}', "file.json")
    assert caught.value.where == "file.json"
    assert "the version that wrote it" in caught.value.fix


def test_data_that_do_not_fit_their_old_schema_are_an_error():
    with pytest.raises(msgspec.MsgspecError):
        decode_results(json.dumps({**OLD, "mode": 7}).encode(), "results.json")
