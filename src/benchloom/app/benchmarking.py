"""Bench: the project's own benchmarks, which a checkout has beside the package."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from benchloom.app.workspace import Workspace, built_in_repository
from benchloom.errors import ExecutionError, InputError
from benchloom.model.base import Document, Value


class Bound(Value, frozen=True, kw_only=True):
    """What a figure is to be: ``>=`` or ``<=`` the value."""

    sense: str
    value: float


class Measurement(Value, frozen=True, kw_only=True):
    """One line: medians of ours and of what it was held against in ``unit``, and the figure that the target bounds.

    ``spread`` is the figure's largest less its smallest value over the rounds; ``verdict`` is ``met``, ``missed`` or, without a target, ''.
    """

    area: str
    name: str
    unit: str
    ours: float
    against: str
    other: float | None
    figure: float
    figure_unit: str
    spread: float
    target: Bound | None
    verdict: str


class BenchRun(Document, frozen=True, kw_only=True):
    """What ``loom bench`` measured."""

    is_quick: bool
    measurements: tuple[Measurement, ...]


def run_benchmarks(workspace: Workspace, areas: tuple[str, ...], *, is_quick: bool, is_shown: bool) -> BenchRun:
    """Measure the named areas (all: none named) and return the lines; ``is_shown`` prints their tables to this process's output.

    Raises InputError outside a checkout or for an unknown area, ExecutionError where a benchmark fails.
    """
    folder = built_in_repository() / "benchmarks"
    if not folder.is_dir():
        raise InputError("there are no benchmarks here", where=str(folder), fix="run ./loom bench in a checkout")
    known = sorted(path.stem for path in folder.glob("*.py") if path.stem not in {"__main__", "table"})
    if unknown := [area for area in areas if area not in known]:
        raise InputError(f"no area is called {unknown[0]!r}", where="--only", fix=f"known: {', '.join(known)}")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "rows.json"
        words = [f"--only={area}" for area in areas] + (["--quick"] if is_quick else []) + [f"--json={file}"]
        workspace.talk.note(f"bench: {', '.join(areas or known)}{', quick' if is_quick else ''}")
        done = subprocess.run(  # noqa: S603 - our own benchmarks
            [sys.executable, str(folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=None if is_shown else subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise ExecutionError(f"the benchmarks ended with exit code {done.returncode}", where=str(folder))
        rows: Any = json.loads(file.read_text(encoding="utf-8"))
    return BenchRun(is_quick=is_quick, measurements=tuple(msgspec.convert(rows, tuple[Measurement, ...])))
