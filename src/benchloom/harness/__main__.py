"""``python -m benchloom.harness``: the process that a benchmark program runs.

It leaves ``results.json`` in the working directory, and LoadGen's logs in ``performance/`` and ``accuracy/`` beside it.
"""

import os
import platform
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import benchloom
from benchloom.base.atomic import write_bytes
from benchloom.errors import EXIT_EXECUTION, InputError, LoomError
from benchloom.harness.inputs import Inputs, load
from benchloom.harness.memory import peak_memory
from benchloom.harness.options import Options, parse
from benchloom.harness.rulesets import DEFAULT_SAMPLE_COUNT, RULESETS, Ruleset
from benchloom.harness.sut import Backend, open_backend
from benchloom.model.base import to_json
from benchloom.model.facts import Model, Reference
from benchloom.model.record import RESULTS_SCHEMA, Accuracy, Performance, Results
from benchloom.model.trust import refuse_untrusted

if TYPE_CHECKING:
    from benchloom.harness.predictor import Predictor

DEFAULT_BATCH = 32


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the benchmark in the working directory and return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # LoadGen's loop is not Python: only the default action ends it
    try:
        results = benchmark(parse(arguments, environ), environ, Path.cwd())
        write_bytes(Path("results.json"), to_json(results))
    except LoomError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except Exception:  # noqa: BLE001 - a backend may raise anything; the reason goes to the log, the status says failed
        traceback.print_exc()
        return EXIT_EXECUTION
    sys.stdout.write(_summary(results))
    return 0


def benchmark(options: Options, environ: Mapping[str, str], folder: Path) -> Results:
    """Measure what ``options`` ask for and return the results; logs go below ``folder``.

    Raises InputError where model, samples and options do not fit each other, ExecutionError where LoadGen has no result.
    """
    # Late, so that wrong options are told before the heavy libraries are imported.
    from benchloom.harness.calibrate import batch_within, seconds_a_sample
    from benchloom.harness.predictor import predictor_for
    from benchloom.harness.settings import shown, test_settings

    inputs = load(environ, options.count)
    if options.mode != "performance":
        _refuse_what_cannot_be_scored(inputs.model)
    refuse_untrusted(inputs.model, inputs.model_digest, inputs.model_path, is_trusted=options.trust)
    ruleset = RULESETS[options.ruleset]
    predictors = [
        predictor_for(_open(inputs, options.threads), inputs, _batch_size(options, inputs))
        for _ in range(options.instances)
    ]
    backend = predictors[0].backend
    seconds = seconds_a_sample(predictors, options, len(inputs.samples))
    settings = test_settings(options, ruleset, inputs.model.name, seconds)
    if options.scenario == "Server" and not options.batch_size:
        for predictor in predictors:
            bound = settings.server_target_latency_ns / 1e9
            predictor.batch_size = batch_within(bound, seconds, predictor.batch_size)
    performance, accuracy = _measure(options, ruleset, inputs, predictors, settings, environ, folder)
    against = _against(options, ruleset, inputs, settings, performance)
    return Results(
        schema=RESULTS_SCHEMA,
        task=inputs.model.task,
        model=inputs.model.name,
        dataset=inputs.dataset,
        backend=backend.name,
        scenario=options.scenario,
        mode=options.mode,
        ruleset=ruleset.name,
        submission_valid=ruleset.is_official and not against,
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
        notes=(*against, *_about(options, ruleset)),
        peak_memory_bytes=peak_memory(),
        precision=inputs.model.precision,
    )


def _refuse_what_cannot_be_scored(model: Model) -> None:
    if model.weights == "random":
        raise InputError(
            f"the weights of {model.name} are random, so it has no accuracy",
            where="--mode",
            fix="measure its speed with --mode=performance, or choose a trained model",
        )
    if model.classes is None and model.detections is None:
        raise InputError(
            f"the facts of {model.name} do not say which of its outputs stands for which class",
            where="model.classes",
            why=[model.unpinned[name] for name in ("classes",) if name in model.unpinned],
            fix="measure its speed with --mode=performance, or state 'classes' in a component of your own",
        )


def _open(inputs: Inputs, threads: int) -> Backend:
    return open_backend(inputs.backend.name, inputs.model, inputs.model_path, threads, inputs.device)


def _batch_size(options: Options, inputs: Inputs) -> int:
    largest = inputs.model.max_batch or sys.maxsize
    if options.batch_size and options.batch_size > largest:
        raise InputError(f"the model takes batches of at most {largest}", where="--batch_size")
    return min(options.batch_size or DEFAULT_BATCH, largest)


def _measure(
    options: Options,
    ruleset: Ruleset,
    inputs: Inputs,
    predictors: "Sequence[Predictor]",
    settings: Any,
    environ: Mapping[str, str],
    folder: Path,
) -> tuple[Performance | None, Accuracy | None]:
    import mlperf_loadgen as lg

    from benchloom.harness.logs import read_performance
    from benchloom.harness.run import run_loadgen

    total = len(inputs.samples)
    count = min(total, ruleset.sample_counts.get(inputs.model.name, DEFAULT_SAMPLE_COUNT))
    performance, accuracy = None, None
    if options.mode != "accuracy":
        place = folder / "performance"
        settings.mode = lg.TestMode.PerformanceOnly
        issuer = run_loadgen(settings, predictors, total=total, performance_count=count, folder=place, environ=environ)
        performance = read_performance(place, options.scenario, samples=issuer.done, seconds=issuer.seconds)
        performance = msgspec.structs.replace(performance, cpu_seconds=issuer.cpu_seconds)
    if options.mode != "performance":
        place = folder / "accuracy"
        settings.mode = lg.TestMode.AccuracyOnly
        run_loadgen(settings, predictors, total=total, performance_count=count, folder=place, environ=environ)
        accuracy = _with_reference(_accuracy(place, inputs, folder), inputs.model.reference)
    return performance, accuracy


def _accuracy(place: Path, inputs: Inputs, folder: Path) -> Accuracy:
    """Score the accuracy run in ``place``; of a detector, draw the first images with their boxes below ``folder``."""
    if inputs.model.detections is None:
        from benchloom.harness.logs import read_accuracy

        return read_accuracy(place, inputs.labels)
    # Late: pycocotools is needed, and there, only where boxes are scored.
    from benchloom.harness.detection import mean_average_precision, read_detections
    from benchloom.harness.pictures import draw

    ids = inputs.labels.tolist()
    detections = read_detections(place, ids)
    draw(detections, ids, inputs, folder / "pictures")
    return mean_average_precision(detections, ids, inputs.annotations)


def _with_reference(accuracy: Accuracy, reference: Reference | None) -> Accuracy:
    if reference is None or reference.metric != accuracy.metric:
        return accuracy
    return msgspec.structs.replace(accuracy, reference=reference.value, reference_source=reference.source)


def _against(
    options: Options, ruleset: Ruleset, inputs: Inputs, settings: Any, performance: Performance | None
) -> list[str]:
    """Return what speaks against submitting this run, worst first."""
    if not ruleset.is_official:
        return []
    found = [ruleset.notes[options.scenario]] if options.scenario in ruleset.notes else []
    if inputs.model.name not in ruleset.sample_counts:
        found.append(f"{inputs.model.name} is not a benchmark of {ruleset.name}")
    if inputs.complete != len(inputs.samples):
        found.append(
            f"{len(inputs.samples)} samples were used, the whole data set has {inputs.complete or 'an unknown number'}"
        )
    rules = ruleset.rules[options.scenario]
    if settings.min_duration_ms < rules.min_duration * 1000 or settings.min_query_count < rules.min_queries:
        found.append(
            f"{settings.min_duration_ms / 1000:g} s and {settings.min_query_count} queries are less than the round's "
            f"{rules.min_duration:g} s and {rules.min_queries} (--duration, --user_conf)"
        )
    if options.mode != "both":
        found.append(f"a submission needs both a performance and an accuracy run; this was {options.mode}")
    if performance and not performance.valid:
        found.append("LoadGen says that the performance run is INVALID")
    return found


def _about(options: Options, ruleset: Ruleset) -> list[str]:
    found = [ruleset.notes["*"]] if "*" in ruleset.notes else []
    if options.user_conf:
        found.append(f"user_conf {options.user_conf} was applied last")
    return found


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
    return "".join(f"{line}\n" for line in [*lines, *results.notes])


def _accuracy_line(accuracy: Accuracy) -> str:
    if accuracy.correct is not None:
        return f"accuracy: {accuracy.correct} of {accuracy.total} correct ({accuracy.metric})"
    return f"accuracy: {accuracy.metric} {accuracy.value:.5f} over {accuracy.total} images"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
