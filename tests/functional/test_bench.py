"""``loom bench``: what it takes and gives. What it measures is no matter of tests."""

import shutil
from pathlib import Path

import pytest

from support.repo import SOURCE, Answer, Loom

AREA = """\
import warnings
from benchloom.model.measurement import alone, at_most

def measure(is_quick):
    yield alone("{area}", "thing", "ms", [1.0 if is_quick else 2.0], at_most(1))
    {then}
"""
FAILING = 'import subprocess, sys; subprocess.run([sys.executable, "-c", "exit(\'no disk\')"], check=True, capture_output=True)'


def bench(folder: Path, *words: str, **areas: str) -> Answer:
    """Run ``loom bench`` in a checkout of this engine whose areas measure one thing each, and then do something else."""
    checkout = folder / "checkout"
    shutil.copytree(SOURCE / "benchloom", checkout / "src" / "benchloom", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(SOURCE.parent / ".ckr.json", checkout)
    (checkout / "benchmarks").mkdir()
    for area, then in areas.items():
        (checkout / "benchmarks" / f"{area}.py").write_text(AREA.format(area=area, then=then))
    return Loom(folder / "home")("bench", *words, PYTHONPATH=str(checkout / "src"))


def test_bench_of_an_unknown_area_names_the_known_ones(tmp_path: Path):
    answer = Loom(tmp_path).here("bench", "--only=nothing")
    assert answer.code == 2
    assert "there is no area 'nothing'" in answer.err
    areas = sorted(file.stem for file in (SOURCE.parent / "benchmarks").glob("*.py"))
    assert ", ".join(areas) in answer.err


def test_bench_quick_holds_the_engine_against_its_targets(tmp_path: Path):
    found = Loom(tmp_path)("bench", "--quick", "--only=engine", "--json", "--quiet", limit=240).ok().json
    assert found["is_quick"] is True
    assert found["failed"] == []
    lines = {item["name"]: item for item in found["measurements"]}
    assert {item["area"] for item in lines.values()} == {"engine"}
    with_targets = [item for item in lines.values() if item["target"]]
    assert len(with_targets) >= 3
    assert all(item["verdict"] in {"met", "missed"} and item["ours"] > 0 for item in with_targets)


def test_bench_measures_areas_by_alphabet_and_says_each_line(tmp_path: Path):
    answer = bench(tmp_path, "--only=two", "--only=one", one="pass", three="pass", two="warnings.warn('no peer')").ok()
    assert answer.err.splitlines() == [
        "loom: measuring: one",
        "loom: one: thing: 2.000 ms, target <= 1, missed",
        "loom: measuring: two",
        "loom: two: thing: 2.000 ms, target <= 1, missed",
        "loom: warning: no peer",
    ]
    rows = [" ".join(row.split()) for row in answer.out.splitlines()]
    assert "thing ms 2 2.000 ms 0.000 <= 1 missed" in rows
    assert rows[-3:] == [
        "0 of 2 targets are met",
        "missed: one: thing: 2.000 ms, target <= 1",
        "missed: two: thing: 2.000 ms, target <= 1",
    ]


@pytest.mark.parametrize(
    ("failure", "reasons"),
    [
        ("raise RuntimeError('not today')", ["RuntimeError: not today"]),
        (FAILING, ["-c 'exit('\"'\"'no disk'\"'\"')'", "no disk"]),
        ("import nowhere", ["ModuleNotFoundError: No module named 'nowhere'"]),
    ],
)
def test_bench_keeps_what_an_area_measured_before_it_failed(tmp_path: Path, failure: str, reasons: list[str]):
    answer = bench(tmp_path, "--quick", "--json", broken=failure, whole="pass")
    assert answer.code == 4
    assert answer.json["failed"] == ["broken"]
    assert [item["area"] for item in answer.json["measurements"]] == ["broken", "whole"]
    said = answer.err[answer.err.index("loom: warning: area broken failed\n") :].splitlines()
    told = [line.removeprefix("  why: ") for line in said if line.startswith("  why: ")]
    assert len(told) == len(reasons)
    assert all(line.endswith(reason) for line, reason in zip(told, reasons, strict=True))


def test_bench_names_the_failed_area_below_the_tables(tmp_path: Path):
    answer = bench(tmp_path, "--quick", "--quiet", broken="raise RuntimeError('not today')")
    assert answer.code == 4
    assert answer.out.splitlines()[-2:] == ["1 of 1 targets are met", "failed: broken"]
    assert answer.err == ""


def test_bench_is_stopped_by_the_keyboard_also_within_an_area(tmp_path: Path):
    answer = bench(tmp_path, broken="raise KeyboardInterrupt", whole="pass")
    assert answer.code == 130
    assert "measuring: whole" not in answer.err
