"""Errors of a child process: handed over whole if they are about input, and never in the way otherwise."""

from pathlib import Path

import pytest

from benchloom.errors import ExecutionError, InputError, LoomError, carried


def test_wrong_input_is_handed_over_whole_and_once(tmp_path: Path):
    path = tmp_path / "error.json"
    told = InputError("a file is wrong\nin two lines", where="x: y", why=["one", "two"], fix="mend it")
    carried.leave(told, {carried.VARIABLE: str(path)})
    found = carried.take(path)
    assert found is not None
    assert (found.what, found.where, found.why, found.fix) == (told.what, told.where, told.why, told.fix)
    assert not path.exists()
    assert carried.take(path) is None


@pytest.mark.parametrize("error", [ExecutionError("no"), LoomError("no")])
def test_other_errors_are_the_business_of_whoever_started_the_process(tmp_path: Path, error: LoomError):
    carried.leave(error, {carried.VARIABLE: str(tmp_path / "error.json")})
    assert carried.take(tmp_path / "error.json") is None


@pytest.mark.parametrize("text", ["", "{", "[2]", "2", '{"exit_code": 2, "why": 3}', "\xff"])
def test_what_any_program_may_leave_raises_nothing(tmp_path: Path, text: str):
    (tmp_path / "error.json").write_text(text, encoding="latin-1")
    found = carried.take(tmp_path / "error.json")
    assert found is None or found.why == ()


def test_place_that_cannot_be_written_is_no_further_error(tmp_path: Path):
    carried.leave(InputError("no"), {carried.VARIABLE: str(tmp_path / "none" / "error.json")})
    carried.leave(InputError("no"), {})
    assert list(tmp_path.iterdir()) == []
