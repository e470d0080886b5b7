"""``loom submit check``: the verdicts of a tree on the command line, its round, and what it says to wrong input."""

from pathlib import Path

import jsonschema
import msgspec
import pytest

from benchloom.app.schemas import schema
from support.repo import Loom, Repo
from support.submission import SUBMITTER, build, logs, short_component


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("submit")
    repo = Repo(folder / "repo", "short-rounds")
    repo.entry("ruleset", "short-round", "ruleset,short-round", **short_component("5.1", "short"))
    return Loom(folder / "home", repo)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return logs("5.1", tmp_path_factory.mktemp("logs") / "5.1")


def test_an_honest_tree_passes_with_its_figures(loom: Loom, made: Path, tmp_path: Path):
    root = build(tmp_path / "tree", made, "5.1")
    found = loom.here("submit", "check", str(root), "--round=short").ok()
    assert "official: 3 of 3 results valid, submission acceptable" in found.out
    assert "strict: 3 of 3 results valid, submission acceptable" in found.out
    assert "acc 100.000" in found.out
    assert "passed everywhere: accuracy-above-limit" in found.out


def test_a_broken_tree_exits_1_and_says_what_to_do(loom: Loom, made: Path, tmp_path: Path):
    root = build(tmp_path / "tree", made, "5.1")
    summary = next((root / "closed" / SUBMITTER).glob("results/*/*/Offline/performance/run_1/mlperf_log_summary.txt"))
    summary.write_text(summary.read_text().replace("Result is : VALID", "Result is : INVALID"))
    found = loom.here("submit", "check", str(root), "--round=short")
    assert found.code == 1
    assert "error: Summary [summary-differs]; the official checker lets it pass" in found.out
    assert "result_validity is VALID in the detail log and INVALID in the summary" in found.out
    assert "  rule: MLPerf Submission Rules" in found.out
    assert "  fix: " in found.out
    assert "official: 3 of 3 results valid, submission acceptable" in found.out
    assert "strict: 2 of 3 results valid, submission NOT acceptable" in found.out


def test_json_is_what_the_schema_says(loom: Loom, made: Path, tmp_path: Path):
    root = build(tmp_path / "tree", made, "5.1")
    found = loom.here("submit", "check", str(root), "--round=short", "--json").ok().json
    jsonschema.validate(found, schema("submission"))
    assert [item["scenario"] for item in found["results"]] == ["MultiStream", "Offline", "SingleStream"]
    assert {item["unit"] for item in found["results"]} == {"ms", "samples/s"}


@pytest.mark.parametrize("format_", ["csv", "markdown", "json"])
def test_every_format_has_the_results(loom: Loom, made: Path, tmp_path: Path, format_: str):
    root = build(tmp_path / "tree", made, "5.1")
    out = tmp_path / "found"
    loom.here("submit", "check", str(root), "--round=short", f"--format={format_}", f"--output={out}").ok()
    assert out.read_text().count("SingleStream") >= 1


def test_the_round_is_that_of_the_seeds(loom: Loom, made: Path, tmp_path: Path):
    root = build(tmp_path / "tree", made, "5.1")
    found = loom.here("submit", "check", str(root), "--json")
    assert found.code == 1  # the runs are shorter than the real round demands
    assert found.json["round"] == "5.1"  # of the two rulesets with these seeds the built-in one
    assert {"duration", "offline-samples", "data-set-not-whole"} <= {
        item["code"] for result in found.json["results"] for item in result["findings"]
    }


def test_a_tree_without_logs_needs_a_round(loom: Loom, tmp_path: Path):
    (tmp_path / "closed").mkdir()
    found = loom.here("submit", "check", str(tmp_path))
    assert found.code == 2
    assert "the round cannot be inferred from LoadGen's seeds" in found.err
    assert "--round=1.0" in found.err


@pytest.mark.parametrize("words", [("nowhere",), (".", "--round=5.2")])
def test_wrong_input_exits_2(loom: Loom, words: tuple[str, ...]):
    assert loom.here("submit", "check", *words).code == 2


def test_the_ruleset_round_trips(loom: Loom):
    shown = loom.here("show", "ruleset:short-round", "--json").ok().json
    assert (
        shown["submission"]["checker"]
        == msgspec.json.decode(msgspec.json.encode(short_component("5.1", "x")))["submission"]["checker"]
    )
