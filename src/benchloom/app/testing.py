"""Test: the project's own checks and tests, as one table of steps."""

import contextlib
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchloom.app.workspace import Workspace
from benchloom.errors import InputError
from benchloom.index.built_in import built_in_repository
from benchloom.model.base import Document, SchemaTable, Value
from benchloom.store.entries import remove_tree


class Step(Value, frozen=True, kw_only=True):
    """One check.

    Attributes:
        name: its name, as ``--only`` takes it.
        status: its exit status.
        seconds: how long it took.
    """

    name: str
    status: int
    seconds: float


class TestRun(Document, frozen=True, kw_only=True):
    """What ``loom test`` ran.

    Attributes:
        ok: whether every step exited 0.
        steps: in the order in which they ran.
    """

    ok: bool
    steps: tuple[Step, ...]


SCHEMAS: SchemaTable = {"test-run": (TestRun, "loom test --json")}


STEPS = ("style", "format", "types", "layers", "tests")
HEAVY = "LOOM_TEST_HEAVY"

# Processor time of all tests, measured on two cores; most tests scale well.
_CORE_MINUTES, _HEAVY_CORE_MINUTES = 22, 70


def run_tests(workspace: Workspace, names: Sequence[str], arguments: Sequence[str]) -> TestRun:
    """Run the named steps (all if none is named) and return their results; their output goes to this process's streams.

    ``arguments`` go to pytest. Temporary files go to a folder of this run, which is removed unless a step fails. Raises
    InputError outside a checkout or if the test tools are not installed.
    """
    root = built_in_repository()
    if not (root / "tests").is_dir():
        raise InputError("there are no tests here", where=str(root), fix="run ./loom test in a checkout")
    commands = _commands(root, arguments)
    steps: list[Step] = []
    with _temporary_files(workspace, steps) as folder:
        for name in names or commands:
            workspace.talk.note(f"test: {name}{_duration(workspace) if name == 'tests' and not arguments else ''}")
            started = time.monotonic()
            done = subprocess.run(  # noqa: S603 - the project's own tools
                commands[name],
                cwd=root,
                env={**os.environ, "TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL,
                check=False,
            )
            steps.append(Step(name=name, status=done.returncode, seconds=round(time.monotonic() - started, 1)))
    return TestRun(ok=not any(step.status for step in steps), steps=tuple(steps))


def _duration(workspace: Workspace) -> str:
    cores = os.cpu_count() or 1
    is_heavy = bool(workspace.environ.get(HEAVY))
    minutes = math.ceil((_HEAVY_CORE_MINUTES if is_heavy else _CORE_MINUTES) / cores)
    more = "" if is_heavy else f"; {HEAVY}=1 adds those of TensorFlow, PyTorch and whole networks"
    return f" (about {minutes} min on {cores} cores{more})"


@contextlib.contextmanager
def _temporary_files(workspace: Workspace, steps: Sequence[Step]) -> Iterator[Path]:
    """Create a folder for temporary files of the block; remove it afterwards unless one of ``steps`` has failed."""
    folder = Path(tempfile.mkdtemp(prefix="loom-test-"))
    folder.chmod(0o711)  # tests that run as other users need access to it
    try:
        yield folder
    finally:
        if any(step.status for step in steps) and any(folder.iterdir()):
            workspace.talk.note(
                f"test: temporary files of failed tests are in {folder}; remove it with: rm -rf {folder}"
            )
        else:
            remove_tree(folder)


def _commands(root: Path, arguments: Sequence[str]) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    scripts = Path(sys.executable).parent
    code = ["src", "tests", "benchmarks", "script"]
    if not (scripts / "ruff").is_file():
        fix = "./loom test installs them; elsewhere: pip install -e '.[test]'"
        raise InputError("the test tools are not installed", where=str(scripts), fix=fix)
    return {
        "style": [*python, "ruff", "check", "--quiet", *[name for name in code if (root / name).exists()]],
        "format": [*python, "ruff", "format", "--check", "--quiet", *[name for name in code if (root / name).exists()]],
        "types": [*python, "mypy"],
        "layers": [str(scripts / "lint-imports")],
        "tests": [*python, "pytest", *(arguments or ["-n", "auto", "--dist", "worksteal", "-q"])],
    }
