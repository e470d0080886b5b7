"""A benchmark: a list of LoadGen runs over one opened model, executed, scored and combined."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

import benchloom
from benchloom.base.progress_file import report_progress
from benchloom.datasets.files import several
from benchloom.harness.backends.seam import Session
from benchloom.harness.calibrate import Speed, batch_within, measured_speed
from benchloom.harness.inputs import Inputs
from benchloom.harness.loading import load
from benchloom.harness.memory import peak_memory
from benchloom.harness.opening import opened
from benchloom.harness.options import Options
from benchloom.harness.predictor import Predictor
from benchloom.harness.rulesets import chosen_ruleset, with_target
from benchloom.harness.runs import Measured, SystemUnderTest, execute, specs_of
from benchloom.harness.settings import LoadGenSettings, Value, shown, test_settings
from benchloom.model.record import RESULTS_SCHEMA, Results
from benchloom.model.ruleset import Ruleset
from benchloom.rules.checks import blockers
from benchloom.rules.rulesets import qsl_size, scenario_rules
from benchloom.rules.scenarios import SCENARIOS


def benchmark(options: Options, environ: Mapping[str, str], folder: Path) -> Results:
    """Measure as requested by ``options`` and return the results; logs go below ``folder``.

    Raises InputError if model, samples and options are incompatible, ExecutionError if LoadGen has no result.
    """
    with report_progress(environ, "opening the model and warming up"):
        ruleset = chosen_ruleset(environ)
        scenario_rules(ruleset, options.scenario)
        inputs, predictors = opened(options, load(environ, options.count, options.labels_path))
        speed = measured_speed(predictors, options, len(inputs.samples))
    made = test_settings(options, ruleset, inputs.model.name, speed)
    _limit_batches(options, predictors, made.test, speed)
    sut = SystemUnderTest(options, ruleset, inputs, predictors, made.test, speed, environ)
    measured = Measured()
    for spec in specs_of(options.mode, _loaded_at_once(ruleset, inputs), folder):
        measured = execute(spec, sut, measured)
    return _assembled(sut, made, measured)


def _limit_batches(options: Options, predictors: Sequence[Predictor], settings: Any, speed: Speed | None) -> None:
    """Limit the batch size to the scenario's latency bound, unless the user sets one."""
    scenario = SCENARIOS[options.scenario]
    if scenario.bound and not options.batch_size:
        for predictor in predictors:
            bound = getattr(settings, scenario.bound) / 1e9
            predictor.batch_size = batch_within(bound, speed and speed.best, predictor.batch_size)


def _loaded_at_once(ruleset: Ruleset, inputs: Inputs) -> int:
    return min(len(inputs.samples), qsl_size(ruleset, inputs.model.name))


def _assembled(sut: SystemUnderTest, made: LoadGenSettings, measured: Measured) -> Results:
    options, inputs, session, ruleset = sut.options, sut.inputs, sut.predictors[0].session, sut.ruleset
    accuracy = measured.accuracy and with_target(measured.accuracy, ruleset, inputs.model.name)
    results = Results(
        schema=RESULTS_SCHEMA,
        task=inputs.model.task,
        model=inputs.model.name,
        dataset=inputs.dataset,
        backend=session.name,
        scenario=options.scenario,
        mode=options.mode,
        ruleset=ruleset.name,
        submission_valid=False,  # until it is checked
        accuracy=accuracy,
        performance=measured.performance,
        settings=_settings(sut),
        versions=_versions(session),
        notes=(*measured.notes, *_skipped(inputs.missing), *ruleset.notes, *made.not_applied),
        peak_memory_bytes=peak_memory(),
        precision=inputs.model.precision,
        missing_images=len(inputs.missing),
        dataset_size=inputs.complete,
        user_conf=made.applied,
    )
    found = blockers(ruleset, results)
    return msgspec.structs.replace(results, submission_valid=ruleset.is_official and not found, blockers=found)


def _settings(sut: SystemUnderTest) -> dict[str, Value]:
    options, predictor = sut.options, sut.predictors[0]
    return {
        "batch_size": predictor.batch_size,
        "threads": options.threads,
        "instances": options.instances,
        "samples": len(sut.inputs.samples),
        **predictor.session.settings(),
        **shown(sut.settings, options.scenario),
    }


def _skipped(missing: Sequence[str]) -> list[str]:
    return [f"{len(missing)} images are missing and were skipped: {several(missing)}"] if missing else []


def _versions(session: Session) -> dict[str, str]:
    found = {"benchloom": benchloom.__version__, "python": platform.python_version(), session.name: session.version}
    for name in ("mlcommons-loadgen", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return dict(sorted(found.items()))
