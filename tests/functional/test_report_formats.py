"""``--format`` and ``--output`` of every verb that gives a report."""

import csv
import io
import json
from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("formats")
    repo = Repo(folder / "repo")
    repo.package("formats-data", "formats-data", version="1.2", files={"data.txt": "one"})
    repo.program("formats-app", "formats-app", run_deps={"data": {"tags": "formats-data"}})
    made = Loom(folder / "home", repo)
    made("run", "program:formats-app").ok()
    return made


def test_plan_as_csv_has_a_row_for_each_node(loom: Loom):
    rows = list(csv.DictReader(io.StringIO(loom.here("plan", "program:formats-app", "--format=csv").ok().out)))
    plan = loom.here("plan", "program:formats-app", "--json").ok().json
    assert [row["action"] for row in rows] == [node["action"] for node in plan["nodes"]]
    assert {"package:formats-data", "program:formats-app"} <= {row["component"] for row in rows}


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("plan", "program:formats-app"), "plan for program:formats-app"),
        (("record", "show", "last"), "record"),
        (("compare", "last"), "record"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_output_is_what_would_be_printed_and_takes_the_format_from_its_ending(
    loom: Loom, tmp_path: Path, words: tuple[str, ...], start: str
):
    printed = loom.here(*words).ok().out
    assert start in printed
    text, data = tmp_path / "out.txt", tmp_path / "out.json"
    answer = loom.here(*words, f"--output={text}").ok()
    assert (answer.out, str(text) in answer.err) == ("", True)
    assert text.read_text() == printed
    loom.here(*words, f"--output={data}").ok()
    assert json.loads(data.read_text()) == loom.here(*words, "--json").ok().json
    assert loom.here(*words, "--format=json").ok().json == json.loads(data.read_text())


def test_comparison_as_markdown_is_a_table(loom: Loom, tmp_path: Path):
    file = tmp_path / "runs.md"
    loom.here("compare", "last", f"--output={file}").ok()
    lines = file.read_text().splitlines()
    assert lines[0].startswith("| record |")
    assert set(lines[1]) == set("| -")


def test_format_that_a_report_has_not_names_those_it_has(loom: Loom):
    answer = loom.here("record", "show", "last", "--format=svg")
    assert answer.code == 2
    assert "json" in answer.err
    assert "text" in answer.err


def test_output_that_cannot_be_written_is_an_input_error(loom: Loom, tmp_path: Path):
    (tmp_path / "file").write_text("")
    answer = loom.here("plan", "program:formats-app", f"--output={tmp_path / 'file' / 'plan.txt'}")
    assert answer.code == 2
    assert "cannot be written" in answer.err
