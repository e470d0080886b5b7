"""Members of a room are its modules but the seam; none is imported to be named."""

import sys
from pathlib import Path

import pytest

import benchloom
from benchloom.base.members import members, module_name, module_of


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "parts"
    (folder / "helpers").mkdir(parents=True)
    for name in ("__init__", "seam", "one_way", "another", "helpers/__init__"):
        (folder / f"{name}.py").write_text(f"NAME = {name!r}")
    monkeypatch.setattr(benchloom, "__path__", [str(tmp_path)])
    return "benchloom.parts"


def test_members_are_modules_but_the_seam_and_packages(room: str):
    assert members(room) == ("another", "one-way")
    assert room not in sys.modules


def test_module_is_that_of_the_name(room: str):
    assert module_name(room, "one-way") == "benchloom.parts.one_way"
    assert module_of(room, "one-way").NAME == "one_way"


def test_room_that_is_not_there_has_no_members():
    assert members("benchloom.nowhere") == ()
