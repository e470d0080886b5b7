"""What is to be done to an environment, as its stamp and the checkout say."""

import sys
from pathlib import Path

import pytest

from benchloom.bootstrap.place import decide, make_stamp, python_in, write_stamp

Place = tuple[str, str]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A checkout and its finished environment."""
    monkeypatch.delenv("LOOM_PYTHON", raising=False)
    root, venv = tmp_path / "checkout", tmp_path / "venv"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    python = Path(python_in(str(venv)))
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    write_stamp(str(venv), make_stamp(str(root), str(venv), ["test"]))
    return str(root), str(venv)


def changed(place: Place, **facts: object) -> tuple[str, str]:
    """Return what is decided if the environment was made with other facts."""
    root, venv = place
    write_stamp(venv, {**make_stamp(root, venv, ["test"]), **facts})
    return decide(root, venv, ["test"])


def test_what_is_as_its_stamp_says_is_ready(place: Place):
    assert decide(*place, ["test"]) == ("ready", "")
    assert decide(*place, []) == ("ready", "")


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        ({"layout": 1}, ("build", "another version of loom created it")),
        ({"interpreter": "/usr/bin/else"}, ("build", "its Python changed")),
        ({"venv": "/else"}, ("build", "it was moved")),
        ({"root": "/else"}, ("install", "the checkout was moved")),
        ({"pyproject": "else"}, ("install", "pyproject.toml changed")),
        ({"extras": []}, ("install", "adding test")),
    ],
)
def test_what_differs_decides(place: Place, facts: dict[str, object], decision: tuple[str, str]):
    assert changed(place, **facts) == decision


def test_another_python_that_is_asked_for_makes_it_anew(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOOM_PYTHON", "/usr/bin/python3.12")
    assert decide(*place, ["test"]) == ("build", "LOOM_PYTHON changed")
