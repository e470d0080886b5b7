"""The lines that benchmarks print: figures beside their targets."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"


def _table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_table", FOLDER / "table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_table"] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


table = _table()


def row(figure: float, sense: str = "", value: float = 1.0) -> Any:
    target = table.Target(sense, value) if sense else None
    return table.Row("area", "thing", "ms", 2.0, "peer", 1.0, figure, "x", 0.1, target)


@pytest.mark.parametrize(
    ("figure", "sense", "verdict"),
    [(1.0, ">=", "met"), (0.99, ">=", "missed"), (1.0, "<=", "met"), (1.01, "<=", "missed"), (5.0, "", "")],
)
def test_target_is_met_or_missed(figure: float, sense: str, verdict: str):
    assert row(figure, sense).verdict == verdict


def test_table_names_what_is_missed_and_json_has_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    table.write([row(0.5, ">="), row(2.0, ">="), row(7.0)], str(tmp_path / "rows.json"))
    told = capsys.readouterr().out
    assert "1 of 2 targets are met" in told
    assert "missed: area: thing: 0.500 x, target >= 1" in told
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [item["verdict"] for item in rows] == ["missed", "met", ""]
    assert rows[0]["target"] == {"sense": ">=", "value": 1.0}
    assert rows[2]["target"] is None
