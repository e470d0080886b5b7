"""What a child says of itself is shown, and that it is at work before it says anything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchloom.base import progress_file
from benchloom.base.progress_file import VARIABLE, report_progress
from benchloom.base.talk import Progress, Silent
from benchloom.run.progress import watched


class Bar:
    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int) -> None:
        self.done += amount

    def total(self, amount: int | None) -> None: ...


class Heard(Silent):
    def __init__(self) -> None:
        self.bars: dict[tuple[str, int | None, str], Bar] = {}
        self.open = 0

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[Progress]:
        self.open += 1
        yield self.bars.setdefault((label, total, unit), Bar())
        self.open -= 1


def test_child_is_shown_as_starting_and_then_by_what_it_says(tmp_path: Path):
    talk, path = Heard(), tmp_path / "progress.json"
    with watched(path, talk, "starting program:app"):
        time.sleep(0.15)
        assert list(talk.bars) == [("starting program:app", None, "")]
        with report_progress({VARIABLE: str(path)}, "Offline performance", "s", 60, lambda: 12):
            time.sleep(0.25)
        with report_progress({VARIABLE: str(path)}, "computing the accuracy"):
            time.sleep(0.25)
        assert talk.open == 1
    assert list(talk.bars)[1:] == [("Offline performance", 60, "s"), ("computing the accuracy", None, "")]
    assert talk.bars["Offline performance", 60, "s"].done == 12
    assert talk.open == 0
    assert not path.exists()


def test_child_whose_output_is_shown_has_no_bar_before_it_says_something(tmp_path: Path):
    talk = Heard()
    with watched(tmp_path / "progress.json", talk, ""):
        time.sleep(0.15)
    assert talk.bars == {}


def test_reports_of_several_threads_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress_file, "INTERVAL", 0.0005)
    environ = {VARIABLE: str(tmp_path / "progress.json")}
    with (
        report_progress(environ, "one", "images", 9),
        report_progress(environ, "two", "B", 9),
        report_progress(environ, "three"),
    ):
        time.sleep(0.3)
    assert {path.name for path in tmp_path.iterdir()} == {"progress.json"}


def test_report_that_cannot_be_written_ends_nothing(tmp_path: Path):
    with report_progress({VARIABLE: str(tmp_path / "gone" / "progress.json")}, "one", "images", 9):
        pass
