"""What a process says of its input is read back as the error that it is."""

from pathlib import Path

import pytest

from benchloom.errors import InputError
from benchloom.run.refusals import reported_refusal

ERROR = InputError(
    "2 of 3 images are missing", where="/data/images", why=["one: a.jpg", "two lines:\nb.jpg"], fix="replace them"
)


@pytest.mark.parametrize("before", ["", "Warning: slow\nerror: an earlier one\n  fix: none\n"])
def test_error_of_a_process_is_read_back_whole(tmp_path: Path, before: str):
    (tmp_path / "err").write_text(f"{before}error: {ERROR}\n")
    found = reported_refusal(tmp_path / "err")
    assert found is not None
    assert (found.what, found.where, found.why, found.fix) == (ERROR.what, ERROR.where, ERROR.why, ERROR.fix)


@pytest.mark.parametrize("text", ["", "usage: main.py [-h]\nmain.py: error: unrecognized arguments\n"])
def test_other_words_of_a_process_are_no_refusal(tmp_path: Path, text: str):
    (tmp_path / "err").write_text(text)
    assert reported_refusal(tmp_path / "err") is None
