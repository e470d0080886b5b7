"""What a repository or a server says never reaches a terminal as anything but text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchloom.base.printable import one_line, printable
from benchloom.errors import InputError
from support.repo import Loom, Repo

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp"


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo", "odd")
    repo.package(
        "odd-thing",
        f"odd,thing,{ESCAPE}",
        files={"a": "b"},
        summary=f"nice{ESCAPE}\nloom: error: forged",
        licence=f"MIT{ESCAPE}",
    )
    (repo.root / "package" / f"x{ESCAPE}").mkdir()
    return Loom(tmp_path / "home", repo)


@pytest.mark.parametrize(
    "words",
    [
        ("find", "--tags=odd"),
        ("show", "package:odd-thing"),
        ("lint",),
        ("plan", "--tags=odd,thing"),
        ("explain", "package:odd-thing", "target"),
        ("find", f"package:{ESCAPE}"),
        ("plan", f"--tags={ESCAPE}"),
        ("doctor",),
    ],
)
def test_nothing_but_text_is_written(loom: Loom, words: tuple[str, ...]):
    answer = loom.here(*words)
    for text in (answer.out, answer.err):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
        assert not any(line.startswith("loom: error: forged") for line in text.splitlines())


def test_json_holds_what_the_file_says(loom: Loom):
    (found,) = json.loads(loom.here("find", "--tags=odd", "--json").ok().out)
    assert "\x1b" in found["summary"]


def test_message_with_lines_of_its_own_does_not_forge_another():
    assert str(InputError("one\nloom: two", why=["a\nb"])) == "one\n    loom: two\n  why: a\n    b"


@given(st.text())
def test_printable_text_moves_no_cursor(text: str):
    found = printable(text)
    assert all(char in "\t\n" or (char >= " " and not "\x7f" <= char <= "\x9f") for char in found)
    assert printable(found) == found
    assert "\n" not in one_line(text)
