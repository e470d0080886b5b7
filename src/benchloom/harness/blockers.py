"""What stands against submitting a result under an official ruleset."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchloom.harness.inputs import Inputs
from benchloom.harness.options import Options
from benchloom.harness.rulesets import Ruleset
from benchloom.harness.settings import LoadGenSettings
from benchloom.harness.user_conf import KEYS
from benchloom.model.record import Accuracy, AppliedSetting, Performance
from benchloom.rules.scenarios import SCENARIOS


def submission_blockers(
    options: Options,
    ruleset: Ruleset,
    inputs: Inputs,
    settings: LoadGenSettings,
    performance: Performance | None,
    accuracy: Accuracy | None,
) -> tuple[str, ...]:
    """Return why this run cannot be submitted under ``ruleset``, worst first; nothing for a ruleset that is not official."""
    if not ruleset.is_official:
        return ()
    return (
        *_of_performance(performance),
        *_of_accuracy(accuracy),
        *_of_benchmark(options, ruleset, inputs),
        *_of_settings(options, ruleset, settings.test, inputs.model.name),
        *_of_user_conf(settings.applied),
    )


def _of_performance(performance: Performance | None) -> Iterator[str]:
    if performance and not performance.valid:
        yield "LoadGen says that the performance run is INVALID"
    if performance:
        yield from (f"LoadGen logged an error in the performance run: {error}" for error in performance.errors)


def _of_accuracy(accuracy: Accuracy | None) -> Iterator[str]:
    if accuracy is None:
        return
    yield from (f"LoadGen logged an error in the accuracy run: {error}" for error in accuracy.errors)
    value, target = accuracy.value, accuracy.target
    if value is None:
        yield "the accuracy run has no accuracy"
    elif target is None:
        yield "no accuracy target is known for this model in the round"
    elif value < target:
        yield f"accuracy {100 * value:.3f} % is below the round's target of {100 * target:.3f} %"


def _of_benchmark(options: Options, ruleset: Ruleset, inputs: Inputs) -> Iterator[str]:
    if options.scenario in ruleset.notes:
        yield ruleset.notes[options.scenario]
    if inputs.model.name not in ruleset.sample_counts:
        yield f"{inputs.model.name} is not a benchmark of {ruleset.name}"
    if inputs.missing:
        yield f"{len(inputs.missing)} images are missing and were skipped (--allow_missing_images)"
    if inputs.complete != len(inputs.samples):
        whole = inputs.complete or "an unknown number"
        yield f"{len(inputs.samples)} samples were used, the whole data set has {whole}"
    if options.mode != "both":
        yield f"a submission needs both a performance and an accuracy run; this was {options.mode}"


def _of_settings(options: Options, ruleset: Ruleset, settings: Any, model: str) -> Iterator[str]:
    rules = ruleset.rules[options.scenario]
    if settings.min_duration_ms < rules.min_duration * 1000 or settings.min_query_count < rules.min_queries:
        yield (
            f"{settings.min_duration_ms / 1000:g} s and {settings.min_query_count} queries are less than the round's "
            f"{rules.min_duration:g} s and {rules.min_queries} (--duration, --user_conf)"
        )
    bound = ruleset.server_bounds_ms.get(model, ruleset.default_server_bound_ms)
    scenario = SCENARIOS[options.scenario]
    if scenario.bound and getattr(settings, scenario.bound) > bound * 1e6:
        found = getattr(settings, scenario.bound) / 1e6
        yield f"{scenario.name}'s latency bound is {found:g} ms, the round's {bound:g} ms (--max_latency_ms, --user_conf)"
    drawn, least = settings.performance_sample_count_override, ruleset.sample_counts.get(model, 0)
    if 0 < drawn < least:
        yield f"performance runs draw from {drawn} samples, the round's least is {least} (--user_conf)"


def _of_user_conf(changed: Sequence[AppliedSetting]) -> Iterator[str]:
    for item in changed:
        if KEYS[item.key.rpartition(".")[2]].is_open and item.new != item.old:
            yield (
                f"user.conf line {item.line} sets {item.setting} to {item.new:g}, the round's is {item.old:g}: such a result is of the "
                "open division"
            )
