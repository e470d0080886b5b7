"""Check results against a ruleset: every rule with its outcome."""

from collections.abc import Iterator
from typing import Literal

from benchloom.model.base import Value
from benchloom.model.record import Blocker, Results
from benchloom.model.ruleset import Benchmark, Ruleset
from benchloom.rules.metrics import METRICS
from benchloom.rules.rulesets import SEEDS, benchmark_of, bound_ms, least_queries, scenario_rules
from benchloom.rules.scenarios import OPEN_KEYS, SCENARIOS

_BOTH = "both"


class Check(Value, frozen=True, kw_only=True):
    """One rule and its outcome.

    Attributes:
        rule: its id; the code of a blocker.
        severity: ``blocker``: the results cannot be submitted.
        text: the finding, for people.
        path: the field of the results that it is about.
        reference: the source of the ruleset's fact; '' for a rule of Benchloom itself.
    """

    rule: str
    severity: Literal["pass", "note", "blocker"]
    text: str
    path: str = ""
    reference: str = ""


def check(ruleset: Ruleset, results: Results) -> tuple[Check, ...]:
    """Return every check of ``results``, worst first, including those that pass.

    Raises InputError if the ruleset has no such scenario.
    """
    found = (
        *_performance(ruleset, results),
        *_accuracy(ruleset, results),
        *_run(ruleset, results),
        *_settings(ruleset, results),
    )
    return (*found, *_user_conf(results))


def blockers(ruleset: Ruleset, results: Results) -> tuple[Blocker, ...]:
    """Return why ``results`` cannot be submitted under ``ruleset``; nothing for an unofficial ruleset."""
    if not ruleset.is_official:
        return ()
    return tuple(
        Blocker(code=item.rule, text=item.text, reference=item.reference)
        for item in check(ruleset, results)
        if item.severity == "blocker"
    )


def _outcome(rule: str, problem: str, passed: str, path: str, reference: str = "") -> Check:
    return Check(
        rule=rule, severity="blocker" if problem else "pass", text=problem or passed, path=path, reference=reference
    )


def _performance(ruleset: Ruleset, results: Results) -> Iterator[Check]:
    performance = results.performance
    if performance is None:
        return
    problem = "" if performance.valid else "LoadGen says that the performance run is INVALID"
    yield _outcome("performance-valid", problem, "LoadGen says VALID", "performance.valid")
    yield from _errors("performance", performance.errors)
    key = scenario_rules(ruleset, results.scenario).figure
    lacks = (
        "" if performance.value is not None else f"LoadGen did not state {key}, the official figure of {ruleset.name}"
    )
    unmeasurable = scenario_rules(ruleset, results.scenario).unmeasurable
    if not unmeasurable:  # reported already
        yield _outcome("official-figure", lacks, f"{key} is stated", "performance.value", _source(ruleset, "figure"))


def _errors(run: str, errors: tuple[str, ...]) -> Iterator[Check]:
    for error in errors:
        yield _outcome(f"{run}-errors", f"LoadGen logged an error in the {run} run: {error}", "", f"{run}.errors")
    if not errors:
        yield _outcome(f"{run}-errors", "", "LoadGen logged no error", f"{run}.errors")


def _accuracy(ruleset: Ruleset, results: Results) -> Iterator[Check]:
    accuracy = results.accuracy
    if accuracy is None:
        return
    yield from _errors("accuracy", accuracy.errors)
    value, target = accuracy.value, accuracy.target
    if value is None:
        problem = "the accuracy run has no accuracy"
    elif target is None:
        problem = "no accuracy target is known for this model in the round"
    elif value < target:
        problem = f"accuracy {_shown(accuracy.metric, value)} is below the round's target of {_shown(accuracy.metric, target)}"
    else:
        problem = ""
    yield _outcome(
        "accuracy-target", problem, "the accuracy reaches the target", "accuracy", _source(ruleset, "targets")
    )


def _shown(metric: str, value: float) -> str:
    is_fraction = metric in METRICS and METRICS[metric].format == "percent"
    return f"{100 * value:.3f} %" if is_fraction else f"{value:g}"


def _run(ruleset: Ruleset, results: Results) -> Iterator[Check]:
    """Checks of the run: scenario, benchmark, data set, mode."""
    rules = scenario_rules(ruleset, results.scenario)
    yield _outcome(
        "scenario", rules.unmeasurable, "LoadGen measures the scenario as defined by the ruleset", "scenario"
    )
    benchmark = benchmark_of(ruleset, results.model)
    problem = "" if benchmark else f"{results.model} is not a benchmark of {ruleset.name}"
    yield _outcome("benchmark", problem, "the model is one of a benchmark", "model", _source(ruleset, "targets"))
    yield from _data_set(ruleset, benchmark, results)
    problem = (
        ""
        if results.mode == _BOTH
        else f"a submission needs both a performance and an accuracy run; this was {results.mode}"
    )
    yield _outcome("mode", problem, "performance and accuracy were measured", "mode")


def _data_set(ruleset: Ruleset, benchmark: Benchmark | None, results: Results) -> Iterator[Check]:
    missing, used, whole = results.missing_images, results.settings.get("samples"), results.dataset_size
    problem = f"{missing} images are missing and were skipped (--allow_missing_images)" if missing else ""
    yield _outcome("missing-images", problem, "no image is missing", "missing_images")
    problem = (
        "" if used == whole else f"{used} samples were used, the whole data set has {whole or 'an unknown number'}"
    )
    yield _outcome("whole-data-set", problem, "all samples were used", "settings.samples")
    stated = benchmark.dataset_size if benchmark else None
    if stated is not None:
        problem = "" if whole in {None, stated} else f"the data set has {whole} samples, the round requires {stated}"
        yield _outcome(
            "data-set", problem, "the data set has the round's size", "dataset", _source(ruleset, "dataset_size")
        )


def _settings(ruleset: Ruleset, results: Results) -> Iterator[Check]:
    yield from _length(ruleset, results)
    scenario, settings = SCENARIOS[results.scenario], results.settings
    bound, found = bound_ms(ruleset, results.scenario, results.model), settings.get(scenario.bound)
    if scenario.bound and bound is not None and isinstance(found, (int, float)):
        problem = (
            f"{scenario.name}'s latency bound is {found / 1e6:g} ms, the round's {bound:g} ms (--max_latency_ms, --user_conf)"
            if found > bound * 1e6
            else ""
        )
        path, reference = f"settings.{scenario.bound}", _source(ruleset, "latency_bounds_ms")
        yield _outcome("latency-bound", problem, "the latency bound is the round's, or stricter", path, reference)
    yield from _samples(ruleset, results)
    if ruleset.seeds:
        wrong = [name for key, name in SEEDS.items() if settings.get(name) != getattr(ruleset.seeds, key)]
        problem = f"LoadGen's {', '.join(wrong)} differ from those of the round" if wrong else ""
        yield _outcome("seeds", problem, "the seeds match the round", "settings", _source(ruleset, "seeds"))


def _length(ruleset: Ruleset, results: Results) -> Iterator[Check]:
    """Minimum duration and count; early stopping allows fewer queries, but not fewer samples in a single query."""
    rules = scenario_rules(ruleset, results.scenario)
    stated = least_queries(ruleset, results.scenario, results.model)
    may_be_fewer = ruleset.early_stopping and SCENARIOS[results.scenario].samples_per_query is not None
    least = 0 if may_be_fewer else stated or 0
    duration, queries = results.settings.get("min_duration_ms"), results.settings.get("min_query_count")
    if not (isinstance(duration, (int, float)) and isinstance(queries, (int, float))):
        return
    demanded = f"{rules.min_duration:g} s" + (f" and {least}" if least else "")
    problem = (
        f"{duration / 1000:g} s and {queries} queries are less than the round's {demanded} (--duration, --user_conf)"
        if duration < rules.min_duration * 1000 or queries < least
        else ""
    )
    reference = _source(ruleset, "min_duration")
    yield _outcome("length", problem, "duration and queries meet the round's minimum", "settings", reference)


def _samples(ruleset: Ruleset, results: Results) -> Iterator[Check]:
    benchmark = benchmark_of(ruleset, results.model)
    least = (benchmark.qsl_size if benchmark else None) or 0
    drawn = next((item.new for item in results.user_conf if item.setting == "performance_sample_count_override"), 0)
    problem = (
        f"performance runs draw from {drawn:g} samples, the round's minimum is {least} (--user_conf)"
        if 0 < drawn < least
        else ""
    )
    yield _outcome("sample-count", problem, "runs draw from enough samples", "user_conf", _source(ruleset, "qsl_size"))


def _user_conf(results: Results) -> Iterator[Check]:
    for item in results.user_conf:
        if item.key.rpartition(".")[2] in OPEN_KEYS and item.new != item.old:
            text = (
                f"user.conf line {item.line} sets {item.setting} to {item.new:g}, the round's is {item.old:g}: such a result is of the "
                "open division"
            )
            yield _outcome("open-division", text, "", "user_conf")


def _source(ruleset: Ruleset, fact: str) -> str:
    return ruleset.sources.get(fact, "")
