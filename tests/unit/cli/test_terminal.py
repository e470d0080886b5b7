"""Talk on standard error: bars at a terminal, lines in a log."""

import os
import re
import sys
import time
from pathlib import Path

import pytest

from benchloom.base import progress_file
from benchloom.base.progress_file import VARIABLE, report_progress
from benchloom.base.talk import Silent
from benchloom.cli.terminal import PlainTalk, make_talk
from support.repo import SOURCE
from support.terminal import in_terminal

WORK = """\
import sys, time
from benchloom.cli.terminal import make_talk
talk = make_talk(quiet=False)
with talk.progress("packages of a plan", None, "packages") as packages, talk.progress("big[/]file", 3 << 20, "B") as file:
    for number in range(12):
        time.sleep(0.1)
        packages.advance(1)
        file.advance(1 << 18)
        if number == 6:
            talk.note("a note that comes in between " * 5)
with talk.progress("Server performance", 60, "s") as run:
    run.advance(12)
    time.sleep(0.6)
with talk.progress("at once", None, ""):
    pass
talk.warn("done")
"""


@pytest.mark.parametrize("columns", [80, 120])
def test_bars_show_amounts_in_their_own_units_and_leave_nothing_behind(columns: int):
    shown = in_terminal([sys.executable, "-c", WORK], {**os.environ, "PYTHONPATH": str(SOURCE)}, columns).ok()

    assert [line for line in shown.lines if len(line) > columns] == []
    assert "/?" not in shown.text
    assert re.search(r"packages of a plan: (?:[1-9]|1[01]) packages", shown.text)
    assert re.search(r"big\[/\]file: (?:\d+ KiB|[12]\.\d MiB) of 3\.0 MiB", shown.text)
    assert "Server performance: 12 s of at least 60 s" in shown.text
    assert "at once" not in shown.text  # over before a bar would be worth it
    assert "\nloom: a note that comes in between" in shown.text
    assert shown.text.rstrip().endswith("loom: warning: done")
    assert shown.raw.count("\x1b[?25l") == shown.raw.count("\x1b[?25h")  # the cursor is there again


def test_a_long_label_leaves_spinner_time_and_amount_where_they_are():
    code = """\
import time
from benchloom.cli.terminal import make_talk
with make_talk(quiet=False).progress("pip downloads " + "one, another, " * 9, 8, "packages") as packages:
    packages.advance(3)
    time.sleep(2)
"""
    shown = in_terminal([sys.executable, "-c", code], {**os.environ, "PYTHONPATH": str(SOURCE)}, 80).ok()

    drawn = [line for line in shown.lines if line]
    assert {len(line) for line in drawn} == {80}
    assert all(re.fullmatch(r"\S pip downloads one, .*…: 3 of 8 packages [━╸╺]+ 0:00:\d\d", line) for line in drawn)


def test_lines_say_how_much_there_is_and_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(PlainTalk, "INTERVAL", 0.05)
    talk = make_talk(quiet=False)
    with talk.progress("images", 450, "images") as bar, talk.progress("thinking", None, ""):
        bar.advance(9)
        time.sleep(0.2)
    with talk.progress("run", 60, "s"), talk.progress("file", 2 << 20, "B"), talk.progress("more", None, "packages"):
        pass
    lines = capsys.readouterr().err.splitlines()

    assert lines[0] == "loom: images (450 images)"
    assert lines[1:3] == ["loom: images: 9 of 450 images", "loom: thinking: 0 s"]
    assert lines[-3:] == ["loom: run (at least 60 s)", "loom: file (2.0 MiB)", "loom: more"]


@pytest.mark.parametrize(("term", "kind"), [("dumb", "DumbTerminalTalk"), ("xterm", "TerminalTalk")])
def test_terminal_on_which_nothing_can_be_drawn_gets_lines(term: str, kind: str):
    code = "from benchloom.cli.terminal import make_talk\nprint(type(make_talk(quiet=False)).__name__)"
    environ = {**os.environ, "PYTHONPATH": str(SOURCE), "TERM": term}
    assert in_terminal([sys.executable, "-c", code], environ, 80).ok().lines[0] == kind


def test_quiet_says_nothing():
    assert type(make_talk(quiet=True)) is Silent


def test_run_without_a_reader_says_now_and_then_on_standard_error_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """As under ck, which starts the program itself."""
    monkeypatch.setattr(progress_file, "LINE_INTERVAL", 0.05)
    with report_progress({}, "Offline performance", "s", 60, lambda: 12):
        time.sleep(0.12)
    with report_progress({}, "opening the model"):
        time.sleep(0.08)
    lines = capsys.readouterr().err.splitlines()

    assert lines[0] == "loom: Offline performance: 12 s of at least 60 s"
    assert lines[-1] == "loom: opening the model: 0 s"


def test_run_with_a_reader_writes_nothing_but_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "progress.json"
    with report_progress({VARIABLE: str(path)}, "accuracy", "samples", 450, lambda: 7):
        assert path.read_text() == '{"label": "accuracy", "unit": "samples", "total": 450, "done": 7}'
    assert capsys.readouterr().err == ""
