"""A record that an older version wrote, with a plan of schema 1, is read by every verb that reads records."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.repo import SOURCE, Loom

OLD = SOURCE.parent / "tests" / "support" / "records" / "plan-1.json"  # of a run, less the nodes of some libraries


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    loom = Loom(tmp_path / "home")
    (loom.home / "records").mkdir()
    (loom.home / "records" / f"{old()['id']}.json").write_bytes(OLD.read_bytes())
    return loom


def old() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(OLD.read_text())
    assert found["plan"]["schema"] == "benchloom.plan/1"
    return found


def test_old_record_is_listed_shown_and_compared(loom: Loom):
    [line] = loom.here("record", "ls", "--json").ok().json
    assert line["id"] == old()["id"]
    text = loom.here("record", "show", line["id"]).ok().out
    figures = old()["results"]
    assert text.startswith("program:image-classification-onnx (default)\n")
    assert f"{figures['accuracy']['correct']} of {figures['accuracy']['total']}" in text
    assert "package:model-digits-onnx" in text
    assert "from" not in {row.split()[0] for row in text.splitlines() if row.strip()}  # all are built in
    compared = loom.here("compare", line["id"], "--json").ok().json
    assert [item["id"] for item in compared["runs"]] == [line["id"]]


def test_plan_of_an_old_record_is_printed_in_todays_schema_and_loses_nothing(loom: Loom):
    shown = loom.here("record", "show", old()["id"], "--json").ok().json
    jsonschema.validate(shown, json.loads((SOURCE.parent / "schemas" / "record.schema.json").read_text()))
    assert shown["plan"]["schema"] == "benchloom.plan/2"
    newer = {"schema", "plan", "results", "repetitions"}  # those that later schemas changed
    assert {key: shown[key] for key in shown.keys() - newer} == {key: old()[key] for key in old().keys() - newer}
    assert shown["repetitions"][0]["results"] == shown["results"]
    assert_holds(shown["results"], {**old()["results"], "schema": "benchloom.results/2"})
    for was, now in zip(old()["plan"]["nodes"], shown["plan"]["nodes"], strict=True):
        assert {key: now[key] for key in was if key in now} == {key: was[key] for key in was if key in now}
        assert now["provision"].get("pip", []) == was["pip"]
        assert now["provision"].get("files", []) == was["fetch"]


def assert_holds(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Compare what ``wanted`` has; later schemas add keys."""
    for key, value in wanted.items():
        if isinstance(value, dict):
            assert_holds(found[key], value)
        else:
            assert found[key] == value, key


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"schema": "benchloom.record/9"}, "the record is of schema 'benchloom.record/9'"),
        ({"schema": "benchloom.record/9", "plan": {"schema": "x", "new": 1}}, "upgrade"),
        ({"plan": {"schema": "benchloom.plan/7"}}, "the plan of the record is of schema 'benchloom.plan/7'"),
        ({"plan": {"schema": "benchloom.plan/7"}}, "upgrade"),
        ({"schema": "other"}, "run again"),
    ],
)
def test_record_of_an_unknown_schema_is_refused_with_what_to_do(loom: Loom, change: dict[str, Any], text: str):
    path = loom.home / "changed.json"
    path.write_text(json.dumps({**old(), **change}))
    answer = loom.here("record", "show", str(path))
    assert answer.code == 2
    assert text in answer.err
    assert str(path) in answer.err


@pytest.mark.parametrize(
    ("schema", "text"), [("benchloom.lock/2", "upgrade"), ("benchloom.lock/0", "loom lock"), ("x", "loom lock")]
)
def test_lock_of_an_unknown_schema_is_refused_with_what_to_do(loom: Loom, tmp_path: Path, schema: str, text: str):
    lock = tmp_path / "loom.lock.json"
    lock.write_text(json.dumps({"schema": schema, "whatever": "a newer one holds"}))
    answer = loom.here("plan", f"--lock={lock}")
    assert answer.code == 2
    assert f"the lock is of schema '{schema}'" in answer.err
    assert text in answer.err
