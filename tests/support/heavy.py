"""The large backends, each in an environment that a plan of its own makes once per test session.

    loom = loom_with("pytorch", tmp_path / "home", repo)   # a home of its own, with the environment that is there
    file = standin("planted-state-dict")                   # written by the library itself, once per session

Only for tests marked ``heavy``, which run where LOOM_TEST_HEAVY is set.
"""

import os
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from support.benchmark import record_of
from support.repo import SOURCE, Answer, Loom, Repo

TESTS = SOURCE.parent / "tests"
# What writes the stand-ins, and the backend whose environment has that library.
WRITERS = {
    "tensorflow": (
        "planted-resnet50",
        "planted-mobilenet",
        "planted-mobilenet-int8",
        "planted-tflite",
        "planted-tflite-int8",
        "planted-ssd-mobilenet",
        "planted-ssd-resnet34",
        "full-mobilenet",
        "full-tflite",
        "full-tflite-int8",
    ),
    "pytorch": (
        "planted-state-dict",
        "planted-torchscript-int8",
        "planted-pickled-ssd-mobilenet",
        "planted-pickled-ssd-resnet34",
        "full-state-dict",
        "full-torchscript-int8",
    ),
}
# pytest from the interpreter that runs this, behind everything that the plan's environment has of its own.
UNIT_TESTS = "import sys; sys.path.append(sys.argv.pop(1)); import pytest; sys.exit(pytest.main(sys.argv[1:]))"

heavy = pytest.mark.skipif(not os.environ.get("LOOM_TEST_HEAVY"), reason="LOOM_TEST_HEAVY=1 runs the large backends")


def shared(name: str) -> Path:
    """Return a folder that every process of this test session knows by ``name``."""
    folder = Path(os.environ["LOOM_TEST_SHARED"]) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def loom_of(backend: str) -> Loom:
    """Return the command line in the home where the backend's environment is."""
    return Loom(shared(backend))


def loom_with(backend: str, home: Path, *repos: Repo) -> Loom:
    """Return the command line in a home of its own over ``repos``, whose store has the backend's environment."""
    lend_store(backend, home)
    return Loom(home, *repos)


def lend_store(backend: str, home: Path) -> None:
    """Let the home use the store with the backend's environment."""
    python_of(backend)
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "store").is_symlink():
        (home / "store").symlink_to(shared(backend) / "store")


@cache
def python_of(backend: str) -> str:
    """Return the interpreter with the backend's library, installed as its program's plan asks for it."""
    words = ("--mode=accuracy", "--count=8", "--json", "--quiet")
    answer = loom_of(backend)("run", f"program:image-classification-{backend}", *words, limit=900).ok()
    return record_of(answer)["command"][0]


def said(answer: Answer) -> str:
    """Return what the program wrote on standard error."""
    return (Path(answer.json["directory"]) / "stderr.txt").read_text()


def assert_unit_tests_pass(python: str, *files: str) -> None:
    """Run unit tests of the harness, none skipped, with the interpreter of a plan's environment."""
    own = sysconfig.get_paths()["purelib"]
    paths = [str(TESTS / "unit/harness" / name) for name in files]
    done = subprocess.run(
        [python, "-c", UNIT_TESTS, own, "-q", "-p", "no:cacheprovider", *paths],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=SOURCE.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def standin(what: str) -> Path:
    """Return the file ``what`` of support.standins; the first call writes those of one library together."""
    writer = next(name for name, files in WRITERS.items() if what in files)
    folder = shared("files")
    with FileLock(folder / f"{writer}.lock"):
        if not (folder / what).exists():
            _write(writer, folder)
    return folder / what


def _write(writer: str, folder: Path) -> None:
    words = [word for what in WRITERS[writer] for word in (what, str(folder / what))]
    done = subprocess.run(
        [python_of(writer), "-m", f"support.standins.{writer}", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(TESTS)]), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
