"""Test: the project's own checks and tests, as one table of steps."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchloom.app.workspace import Workspace, built_in_repository
from benchloom.errors import InputError
from benchloom.model.base import Document, Value


class Step(Value, frozen=True, kw_only=True):
    """One check: its exit status and how long it took in seconds."""

    name: str
    status: int
    seconds: float


class TestRun(Document, frozen=True, kw_only=True):
    """What ``loom test`` ran, in order; ``ok`` where every step exited 0."""

    ok: bool
    steps: tuple[Step, ...]


def run_tests(workspace: Workspace, names: Sequence[str], arguments: Sequence[str]) -> TestRun:
    """Run the named steps (all: none named) and return how they went; their output goes to this process's streams.

    ``arguments`` go to pytest. Raises InputError outside a checkout or where the test tools are not installed.
    """
    root = built_in_repository()
    if not (root / "tests").is_dir():
        raise InputError("there are no tests here", where=str(root), fix="run ./loom test in a checkout")
    commands = _commands(root, arguments)
    steps = []
    for name in names or commands:
        workspace.talk.note(f"test: {name}")
        started = time.monotonic()
        done = subprocess.run(commands[name], cwd=root, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - our own tools
        steps.append(Step(name=name, status=done.returncode, seconds=round(time.monotonic() - started, 1)))
    return TestRun(ok=not any(step.status for step in steps), steps=tuple(steps))


STEPS = ("style", "format", "types", "layers", "tests")


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
        "tests": [*python, "pytest", *(arguments or ["-n", "auto", "-q"])],
    }
