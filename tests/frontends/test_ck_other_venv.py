"""With a second repository that carries our names (octoml/venv's), which one answers the real `ck`, and how to choose ours."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from support.ck import ROOT, Ck
from support.other_venv import ALIAS, SAID, other_venv, zipped

IN_MEMORY = Path("/dev/shm")  # a file system that lists a folder in another order than most
NAME = "venv:mlperf-inference"
CREATE = ("create", NAME, "--template=mlperf-inference-1.0")
OURS = "--repo_module_uoa=benchloom"
TAKEN = "a virtual environment 'mlperf-inference' exists already"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of loom with the environment, made by `ck` with both repositories and a package index alone."""
    root = tmp_path_factory.mktemp("made")
    ck = Ck(root / "home", ROOT, other_venv(root / "other"))
    said = ck.call(*CREATE, OURS)
    assert said.returncode == 0, said.stderr
    made = ck.loom("venv", "show", "mlperf-inference")
    assert "reference" in {**made["needs"], **made["left_out"]}  # it is there, or nobody could be asked for it
    return root / "home" / "loom"


@pytest.fixture
def home(place: str, tmp_path: Path) -> Iterator[Path]:
    if place == "disk":
        yield tmp_path / "home"
    elif not os.access(IN_MEMORY, os.W_OK):
        pytest.skip("there is no file system in memory")
    else:
        folder = Path(mkdtemp(dir=IN_MEMORY))
        yield folder / "home"
        shutil.rmtree(folder)


@pytest.mark.parametrize(("place", "how"), [("disk", "path"), ("disk", "zip"), ("memory", "path")])
@pytest.mark.parametrize("is_other_first", [False, True], ids=["ours first", "other first"])
def test_the_repository_listed_first_answers_and_ours_when_it_is_named(
    home: Path, store: Path, tmp_path: Path, how: str, is_other_first: bool
):
    other = other_venv(tmp_path / "other")
    ck = Ck(home, LOOM_HOME=str(store))
    ours = ("add", "repo:benchloom", f"--path={ROOT}", "--quiet")
    by_path = ("add", f"repo:{ALIAS}", f"--path={other}", "--quiet")
    added = by_path if how == "path" else ("add", "repo", f"--zip={zipped(other)}", "--quiet")
    for words in (added, ours) if is_other_first else (ours, added):
        ck.ok(*words)
    first = next(name for name in os.listdir(home / "CK" / "local" / "repo") if name != ".cm")
    assert (str(ROOT) in ck.ok("find", "module:venv")) == (first == "benchloom")
    for action in (CREATE, ("activate", NAME)):
        done = ck.call(*action)
        assert (SAID in done.stdout) == (first == ALIAS)
    assert TAKEN in ck.call(*CREATE, OURS).stderr
    assert ck.ok("activate", NAME, OURS).strip() == f". {store}/venvs/mlperf-inference/bin/activate"
    ck.ok("rm", f"repo:{ALIAS}", "--force")
    assert ck.ok("activate", NAME).strip() == f". {store}/venvs/mlperf-inference/bin/activate"
