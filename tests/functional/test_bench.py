"""``loom bench``: what it takes and gives. What it measures is no matter of tests."""

from pathlib import Path

from support.repo import Loom


def test_bench_of_an_unknown_area_names_the_known_ones(tmp_path: Path):
    answer = Loom(tmp_path).here("bench", "--only=nothing")
    assert answer.code == 2
    assert "no area is called 'nothing'" in answer.err
    assert "engine, harness" in answer.err


def test_bench_quick_holds_the_engine_against_its_targets(tmp_path: Path):
    found = Loom(tmp_path)("bench", "--quick", "--only=engine", "--json", "--quiet", limit=240).ok().json
    assert found["is_quick"] is True
    lines = {item["name"]: item for item in found["measurements"]}
    assert {item["area"] for item in lines.values()} == {"engine"}
    with_targets = [item for item in lines.values() if item["target"]]
    assert len(with_targets) >= 3
    assert all(item["verdict"] in {"met", "missed"} and item["ours"] > 0 for item in with_targets)
