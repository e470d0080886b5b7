"""The README at a real terminal of 80 and of 120 columns: what it prints, how wide, and that something always moves."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from support.benchmark import TARGET, home
from support.repo import SOURCE, Loom
from support.terminal import Shown, in_terminal

README = (SOURCE.parent / "README.md").read_text(encoding="utf-8")
WIDTHS = (80, 120)


def commands(title: str) -> list[str]:
    """Commands of loom in the first indented block below a heading, without their comments."""
    section = README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"(?:^    .*\n)+", section, re.MULTILINE)
    assert block is not None
    lines = [line.partition("  #")[0].strip() for line in block[0].splitlines()]
    return [line for line in lines if line.startswith("./loom ")]


def at_terminal(words: list[str], columns: int, folder: Path, **variables: str) -> Shown:
    """Run loom at a terminal, in the home that the tests of this process share."""
    environ = {**os.environ, **Loom(home()).environ, "PYTHONPATH": str(SOURCE), **variables}
    return in_terminal([sys.executable, "-m", "benchloom", *words], environ, columns, str(folder))


def assert_readable(shown: Shown, columns: int) -> None:
    """Nothing is wider than the terminal, nothing is silent for long, and no amount is unknown in the way of ``0/?``."""
    assert [line for line in shown.lines if len(line) > columns] == []
    assert shown.silence < 5
    assert "/?" not in shown.text


NEXT = commands("What next")
SHORT = [
    *(item for item in NEXT if " run " not in item),
    *("./loom record ls", "./loom record show last", "./loom compare", "./loom doctor", "./loom repo list"),
    *(
        "./loom --help",
        "./loom run --help",
        "./loom plan program:image-classification-onx",
        "./loom run --tags=program,mlperf",
    ),
]


def test_readme_has_the_commands_that_this_file_runs():
    assert commands("Two commands") == [f"./loom run {TARGET}", "./loom test"]
    assert len([item for item in NEXT if " run " in item]) == 2
    assert len(NEXT) >= 8


def test_runs_of_the_readme_fit_the_terminal_and_always_show_something(tmp_path: Path):
    for line in (f"./loom run {TARGET}", *(item for item in NEXT if " run " in item)):
        shown = at_terminal(shlex.split(line)[1:], 80, tmp_path).ok()
        assert_readable(shown, 80)
        assert "LoadGen     \x1b[32m\x1b[1mVALID\x1b[0m" in shown.raw or "--mode=accuracy" in line


@pytest.mark.parametrize("columns", WIDTHS)
def test_other_commands_of_the_readme_fit_the_terminal(columns: int, tmp_path: Path):
    for _ in range(2 - len(list((home() / "records").glob("*.json")))):
        Loom(home())("run", TARGET, "--mode=accuracy", "--quiet").ok()  # something to compare
    for line in SHORT:
        shown = at_terminal(shlex.split(line)[1:], columns, tmp_path)
        assert_readable(shown, columns)
        assert shown.code == (2 if "onx" in line.replace("onnx", "") or "program,mlperf" in line else 0), shown.text


def test_run_shows_its_time_beside_the_least_duration(tmp_path: Path):
    shown = at_terminal(["run", TARGET, "--mode=performance", "--duration=6"], 80, tmp_path).ok()

    assert_readable(shown, 80)
    seconds = [int(item) for item in re.findall(r"SingleStream performance: (\d+) s of at least 6 s", shown.text)]
    assert set(seconds) >= {1, 2, 3, 4, 5}
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminal_without_colours_gets_none(variables: dict[str, str], tmp_path: Path):
    Loom(home())("run", TARGET, "--mode=performance", "--quiet").ok()

    assert "\x1b[3" not in at_terminal(["record", "show", "last"], 80, tmp_path, **variables).ok().raw


def test_sample_of_the_readme_is_what_is_printed():
    """Labels, units and their order; figures, machine and places are the run's."""
    sample = re.search(rf"^    {TARGET} \(default\)\n(?:      .*\n)+", README, re.MULTILINE)
    printed = Loom(home())("run", TARGET, "--quiet").ok().out

    official, p90 = (
        re.search(pattern, printed)[1] for pattern in (r"90th percentile latency (.*)", r"p90 ([\d.]+ \S+)")
    )
    assert official == p90
    assert sample is not None
    assert skeleton(printed) == skeleton("".join(line[4:] for line in sample[0].splitlines(keepends=True)))


def skeleton(table: str) -> list[str]:
    """The rows of a record's table without what belongs to one run: figures, the unit of a time, the machine and places."""
    rows = []
    for line in table.rstrip().splitlines():
        label, text = line[:14], line[14:]
        if label.split()[:1] == ["busy"]:
            continue
        text = "" if label.split()[:1] in (["host"], ["record"], ["run"]) else re.sub(r"[\d.,:T-]*\d", "#", text)
        rows.append(label + re.sub(r"# (?:ns|µs|ms|s)\b", "# time", text))
    return rows
