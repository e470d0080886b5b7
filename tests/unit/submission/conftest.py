"""Trees of two rounds, made once from real LoadGen runs."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.submission import build, logs

Tree = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a round's logs, run on first use."""
    folder = tmp_path_factory.mktemp("submissions")

    def get(round_: str) -> Path:
        place = folder / round_
        return place if place.exists() else logs(round_, place)

    return get


@pytest.fixture
def tree(made: Callable[[str], Path], tmp_path: Path) -> Tree:
    """Return a function that writes the tree of a round and division, to be broken."""

    def write(round_: str, division: str = "closed") -> Path:
        shutil.rmtree(tmp_path / "tree", ignore_errors=True)
        return build(tmp_path / "tree", made(round_), round_, division)

    return write
