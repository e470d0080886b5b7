"""Bench: the project's own benchmarks, which are part of a checkout.

An area is a file ``benchmarks/AREA.py`` with ``measure(is_quick: bool) -> Iterator[Measurement]``, which yields each
line as soon as it is measured. Areas run in this process; they start separate processes for what must be measured in
isolation.
"""

import importlib.util
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from benchloom.app.workspace import Workspace
from benchloom.errors import InputError
from benchloom.index.built_in import built_in_repository
from benchloom.model.measurement import BenchRun, Measurement
from benchloom.report.measurements import figure_text

_SAID = 5  # lines of a failed command's standard error that are shown


def run_benchmarks(workspace: Workspace, areas: tuple[str, ...], *, is_quick: bool) -> BenchRun:
    """Measure the named areas (all if none is named) in alphabetical order, and print each line as it is measured.

    An area that raises is named in ``failed``, and a warning says why. Raises InputError outside a checkout or for an
    unknown area.
    """
    folder = built_in_repository() / "benchmarks"
    if not folder.is_dir():
        raise InputError("there are no benchmarks here", where=str(folder), fix="run ./loom bench in a checkout")
    files = {file.stem: file for file in sorted(folder.glob("*.py"))}
    if unknown := [area for area in areas if area not in files]:
        raise InputError(f"there is no area {unknown[0]!r}", where="--only", fix=f"known: {', '.join(files)}")
    measurements: list[Measurement] = []
    failed: list[str] = []
    with warnings.catch_warnings():
        # Areas warn if a peer is not available.
        warnings.showwarning = lambda message, *_place, **_more: workspace.talk.warn(str(message))
        for area in [area for area in files if not areas or area in areas]:
            workspace.talk.note(f"measuring: {area}{', quick' if is_quick else ''}")
            try:
                for item in _measure(area, files[area], is_quick=is_quick):
                    measurements.append(item)
                    workspace.talk.note(figure_text(item) + (f", {item.verdict}" if item.verdict else ""))
            except Exception as error:  # noqa: BLE001 - the other areas are measured even if one fails
                failed.append(area)
                workspace.talk.warn("\n  why: ".join([f"area {area} failed", *_reasons(error)]))
    return BenchRun(is_quick=is_quick, measurements=tuple(measurements), failed=tuple(failed))


def _measure(area: str, file: Path, *, is_quick: bool) -> Iterator[Measurement]:
    name = f"benchmark_{area}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module
    spec.loader.exec_module(module)
    yield from module.measure(is_quick)


def _reasons(error: Exception) -> list[str]:
    if not isinstance(error, subprocess.CalledProcessError):
        return [f"{type(error).__name__}: {error}"]
    command = error.cmd if isinstance(error.cmd, str) else shlex.join(map(str, error.cmd))
    said = error.stderr or ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return [f"exit code {error.returncode} of: {command}", *text.rstrip().splitlines()[-_SAID:]]
