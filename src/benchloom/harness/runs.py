"""The runs of LoadGen that a benchmark consists of: a spec for each, and how what it measured is read."""

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
    """What is measured: the opened model with its inputs, and LoadGen's ``settings``, which all runs of it share.

    ``speed`` is how fast one instance was before the first run; None if nothing was measured.
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
        mode: what it is for; says how it is read.
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
    """What the runs of a benchmark have measured so far."""

    performance: Performance | None = None
    accuracy: Accuracy | None = None
    notes: tuple[str, ...] = ()


class _Mode(NamedTuple):
    """How a run of one mode is carried out and read.

    ``checks`` says whether every response is looked at, which a timed run does not pay for; ``seconds`` returns how long it will take, if
    that is known; ``read`` adds what the run measured.
    """

    loadgen_mode: str
    checks: bool
    seconds: Callable[[SystemUnderTest], float | None]
    read: Callable[[RunSpec, SystemUnderTest, Issuer, Measured], Measured]


def specs_of(mode: str, count: int, folder: Path) -> tuple[RunSpec, ...]:
    """Return the runs that the mode of a benchmark asks for, in their order; each has a folder of its own below ``folder``."""
    wanted = tuple(_MODES) if mode == "both" else (mode,)
    return tuple(RunSpec(name, _MODES[name].loadgen_mode, count, folder / name) for name in wanted)


def execute(spec: RunSpec, sut: SystemUnderTest, before: Measured) -> Measured:
    """Carry out one run, and return what was measured ``before`` it with what it measured. Raises ExecutionError if LoadGen has no result."""
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


# In the order in which a benchmark carries them out.
_MODES = {
    "performance": _Mode("PerformanceOnly", checks=False, seconds=_expected, read=_performance),
    "accuracy": _Mode("AccuracyOnly", checks=True, seconds=lambda _: None, read=_accuracy),
}
