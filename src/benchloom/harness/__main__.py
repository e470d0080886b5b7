"""``python -m benchloom.harness``: the process that a benchmark program runs.

It leaves ``results.json`` in the working directory, and LoadGen's logs in ``performance/`` and ``accuracy/`` beside it.
"""

import os
import platform
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import benchloom
from benchloom.base.atomic import write_bytes
from benchloom.base.reported import reported
from benchloom.errors import carried
from benchloom.harness.inputs import Inputs, load
from benchloom.harness.memory import peak_memory
from benchloom.harness.options import Options, parse
from benchloom.harness.rulesets import chosen_ruleset, with_target
from benchloom.harness.sut import Backend
from benchloom.model.base import to_json
from benchloom.model.labels import several
from benchloom.model.record import RESULTS_SCHEMA, Accuracy, Performance, Results
from benchloom.model.ruleset import Ruleset
from benchloom.rules.checks import blockers
from benchloom.rules.rulesets import qsl_size, scenario_rules
from benchloom.rules.scenarios import SCENARIOS

if TYPE_CHECKING:
    from benchloom.harness.calibrate import Speed
    from benchloom.harness.issue import Issuer
    from benchloom.harness.predictor import Predictor


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the benchmark in the working directory and return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # LoadGen's loop is not Python: only the default action ends it
    try:
        results = benchmark(parse(arguments, environ), environ, Path.cwd())
        write_bytes(Path("results.json"), to_json(results))
    except Exception as error:  # noqa: BLE001 - a backend may raise anything; the reason goes to the log, the status says failed
        return carried.end(error, environ)
    sys.stdout.write(_summary(results))
    return 0


def benchmark(options: Options, environ: Mapping[str, str], folder: Path) -> Results:
    """Measure what ``options`` ask for and return the results; logs go below ``folder``.

    Raises InputError if model, samples and options do not fit each other, ExecutionError if LoadGen has no result.
    """
    with reported(environ, "opening the model and warming up"):
        # Late, so that wrong options are told before the heavy libraries are imported.
        from benchloom.harness.calibrate import batch_within, measured_speed
        from benchloom.harness.opening import opened
        from benchloom.harness.settings import shown, test_settings

        ruleset = chosen_ruleset(environ)
        scenario_rules(ruleset, options.scenario)
        inputs, predictors = opened(options, load(environ, options.count, options.labels_path))
        speed = measured_speed(predictors, options, len(inputs.samples))
    backend = predictors[0].backend
    made = test_settings(options, ruleset, inputs.model.name, speed)
    settings = made.test
    scenario = SCENARIOS[options.scenario]
    if scenario.bound and not options.batch_size:
        for predictor in predictors:
            bound = getattr(settings, scenario.bound) / 1e9
            predictor.batch_size = batch_within(bound, speed and speed.best, predictor.batch_size)
    run = _Runs(options, ruleset, inputs, predictors, settings, environ, folder)
    performance = None if options.mode == "accuracy" else run.performance(speed)
    accuracy, remarks = (None, ()) if options.mode == "performance" else run.accuracy()
    if accuracy:
        accuracy = with_target(accuracy, ruleset, inputs.model.name)
    results = Results(
        schema=RESULTS_SCHEMA,
        task=inputs.model.task,
        model=inputs.model.name,
        dataset=inputs.dataset,
        backend=backend.name,
        scenario=options.scenario,
        mode=options.mode,
        ruleset=ruleset.name,
        submission_valid=False,
        accuracy=accuracy,
        performance=performance,
        settings={
            "batch_size": predictors[0].batch_size,
            "threads": options.threads,
            "instances": options.instances,
            "samples": len(inputs.samples),
            **backend.settings(),
            **shown(settings, options.scenario),
        },
        versions=_versions(backend),
        notes=(*remarks, *_skipped(inputs.missing), *ruleset.notes, *made.not_applied),
        peak_memory_bytes=peak_memory(),
        precision=inputs.model.precision,
        missing_images=len(inputs.missing),
        dataset_size=inputs.complete,
        user_conf=made.applied,
    )
    found = blockers(ruleset, results)
    return msgspec.structs.replace(results, submission_valid=ruleset.is_official and not found, blockers=found)


@dataclass(frozen=True)
class _Runs:
    """The runs of LoadGen that a benchmark consists of."""

    options: Options
    ruleset: Ruleset
    inputs: Inputs
    predictors: "Sequence[Predictor]"
    settings: Any
    environ: Mapping[str, str]
    folder: Path

    def performance(self, speed: "Speed | None") -> Performance:
        """Run LoadGen for time and return what it measured."""
        from benchloom.harness.bounds import expected_seconds
        from benchloom.harness.logs import read_performance

        needed = expected_seconds(self.settings, speed and speed.median, self.options.instances)
        issuer = self._run("performance", "PerformanceOnly", needed)
        found = read_performance(
            self.folder / "performance",
            self.options.scenario,
            scenario_rules(self.ruleset, self.options.scenario).figure,
            samples=issuer.done,
            seconds=issuer.seconds,
        )
        return msgspec.structs.replace(found, cpu_seconds=issuer.cpu_seconds)

    def accuracy(self) -> tuple[Accuracy, tuple[str, ...]]:
        """Run LoadGen over every sample and return the score, with what is to be said of it."""
        from benchloom.harness.scoring import score

        for predictor in self.predictors:
            predictor.check_responses()
        self._run("accuracy", "AccuracyOnly", None)
        with reported(self.environ, "computing the accuracy"):
            return score(self.folder / "accuracy", self.inputs, self.folder)

    def _run(self, name: str, mode: str, seconds: float | None) -> "Issuer":
        import mlperf_loadgen as lg

        from benchloom.harness.run import run_loadgen

        total = len(self.inputs.samples)
        self.settings.mode = getattr(lg.TestMode, mode)
        return run_loadgen(
            self.settings,
            self.predictors,
            total=total,
            performance_count=min(total, qsl_size(self.ruleset, self.inputs.model.name)),
            folder=self.folder / name,
            environ=self.environ,
            seconds=seconds,
        )


def _skipped(missing: Sequence[str]) -> list[str]:
    return [f"{len(missing)} images are missing and were skipped: {several(missing)}"] if missing else []


def _versions(backend: Backend) -> dict[str, str]:
    found = {"benchloom": benchloom.__version__, "python": platform.python_version(), backend.name: backend.version}
    for name in ("mlcommons-loadgen", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def _summary(results: Results) -> str:
    """What a person sees who runs the program without loom."""
    lines = [
        f"{results.model} on {results.dataset} with {results.backend}, {results.scenario}, ruleset {results.ruleset}"
    ]
    if results.accuracy:
        lines.append(_accuracy_line(results.accuracy))
    if results.performance:
        validity = (
            "VALID" if results.performance.valid else f"INVALID: {'; '.join(results.performance.invalid_reasons)}"
        )
        lines.append(f"performance: {results.performance.samples_per_second:.6g} samples/s, LoadGen says {validity}")
    runs = [(name, run) for name, run in (("performance", results.performance), ("accuracy", results.accuracy)) if run]
    errors = [f"error in LoadGen's log of the {name} run: {text}" for name, run in runs for text in run.errors]
    blockers = [f"submission blocker: {item.text}" for item in results.blockers]
    return "".join(f"{line}\n" for line in [*lines, *errors, *blockers, *results.notes])


def _accuracy_line(accuracy: Accuracy) -> str:
    if accuracy.value is None:
        return f"accuracy: none, since {accuracy.problem}"
    if accuracy.correct is not None:
        return f"accuracy: {accuracy.correct} of {accuracy.total} correct ({accuracy.metric})"
    return f"accuracy: {accuracy.metric} {accuracy.value:.5f} over {accuracy.total} images"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
