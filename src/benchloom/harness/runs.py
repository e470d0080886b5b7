"""The LoadGen runs of a benchmark: their specs, and how measurements are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import mlperf_loadgen as lg
import msgspec

from benchloom.base.progress_file import report_progress
from benchloom.harness.bounds import expected_seconds
from benchloom.harness.calibrate import Speed
from benchloom.harness.inputs import Inputs
from benchloom.harness.issue import Issuer
from benchloom.harness.logs import read_performance
from benchloom.harness.options import Options
from benchloom.harness.predictor import Predictor
from benchloom.harness.run import run_loadgen
from benchloom.harness.scoring import score
from benchloom.model.record import Accuracy, Performance
from benchloom.model.ruleset import Ruleset
from benchloom.rules.rulesets import scenario_rules


@dataclass(frozen=True)
class SystemUnderTest:
    """The system under test: the opened model with its inputs, and LoadGen's ``settings``, shared by all runs.

    ``speed`` is the measured speed of one instance before the first run; None if not measured.
    """

    options: Options
    ruleset: Ruleset
    inputs: Inputs
    predictors: Sequence[Predictor]
    settings: Any
    speed: Speed | None
    environ: Mapping[str, str]


@dataclass(frozen=True)
class RunSpec:
    """One run of LoadGen.

    Attributes:
        mode: its purpose, which determines how it is read.
        loadgen_mode: a name of LoadGen's TestMode.
        count: how many samples LoadGen may have loaded at once.
        folder: where its logs go.
        audit: LoadGen's settings for a compliance test, applied after all others; None for none.
    """

    mode: str
    loadgen_mode: str
    count: int
    folder: Path
    audit: Path | None = None


@dataclass(frozen=True)
class Measured:
    """Measurements of the runs of a benchmark so far."""

    performance: Performance | None = None
    accuracy: Accuracy | None = None
    notes: tuple[str, ...] = ()


class _Mode(NamedTuple):
    """How runs of one mode are executed and read.

    ``checks`` tells whether every response is checked, which timed runs skip; ``seconds`` returns the expected time, if
    known; ``read`` adds the measurements of the run.
    """

    loadgen_mode: str
    checks: bool
    seconds: Callable[[SystemUnderTest], float | None]
    read: Callable[[RunSpec, SystemUnderTest, Issuer, Measured], Measured]


def specs_of(mode: str, count: int, folder: Path) -> tuple[RunSpec, ...]:
    """Return the runs for the mode of a benchmark, in order; each has its own folder below ``folder``."""
    wanted = tuple(_MODES) if mode == "both" else (mode,)
    return tuple(RunSpec(name, _MODES[name].loadgen_mode, count, folder / name) for name in wanted)


def execute(spec: RunSpec, sut: SystemUnderTest, before: Measured) -> Measured:
    """Execute one run, and return its measurements added to those from ``before``.

    Raises ExecutionError if LoadGen has no result.
    """
    mode = _MODES[spec.mode]
    if mode.checks:
        for predictor in sut.predictors:
            predictor.check_responses()
    sut.settings.mode = getattr(lg.TestMode, spec.loadgen_mode)
    issuer = run_loadgen(
        sut.settings,
        sut.predictors,
        total=len(sut.inputs.samples),
        performance_count=spec.count,
        folder=spec.folder,
        environ=sut.environ,
        seconds=mode.seconds(sut),
        audit=spec.audit,
    )
    return mode.read(spec, sut, issuer, before)


def _performance(spec: RunSpec, sut: SystemUnderTest, issuer: Issuer, before: Measured) -> Measured:
    scenario = sut.options.scenario
    official = scenario_rules(sut.ruleset, scenario).figure
    found = read_performance(spec.folder, scenario, official, samples=issuer.done, seconds=issuer.seconds)
    return replace(before, performance=msgspec.structs.replace(found, cpu_seconds=issuer.cpu_seconds))


def _accuracy(spec: RunSpec, sut: SystemUnderTest, _issuer: Issuer, before: Measured) -> Measured:
    with report_progress(sut.environ, "computing the accuracy"):
        accuracy, notes = score(spec.folder, sut.inputs, spec.folder.parent)
    return replace(before, accuracy=accuracy, notes=(*before.notes, *notes))


def _expected(sut: SystemUnderTest) -> float:
    return expected_seconds(sut.settings, sut.speed and sut.speed.median, sut.options.instances)


# In the order of execution.
_MODES = {
    "performance": _Mode("PerformanceOnly", checks=False, seconds=_expected, read=_performance),
    "accuracy": _Mode("AccuracyOnly", checks=True, seconds=lambda _: None, read=_accuracy),
}
