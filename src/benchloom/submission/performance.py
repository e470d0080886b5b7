"""The performance run of a result, or of one of its compliance tests: its log against the round."""

from benchloom.model.ruleset import Seeds
from benchloom.model.submission_rules import Inferred
from benchloom.rules.figures import FIGURES
from benchloom.rules.metrics import LATENCY
from benchloom.rules.rulesets import SEEDS
from benchloom.rules.scenarios import MULTI_STREAM, OFFLINE, SCENARIOS, SERVER
from benchloom.submission.context import Result
from benchloom.submission.files import listing
from benchloom.submission.findings import Notes
from benchloom.submission.logs import ACCURACY_LOG, DETAIL, SUMMARY, VALIDITY, Log, same_figures

IGNORED = frozenset({"mlperf_log_trace.json", "results.json", ".gitkeep"})
NS_PER_MS = 1e6
_NETWORK_SUT = "Network SUT"


def check_performance(result: Result) -> None:
    """Check the performance run that counts."""
    notes, folder = result.notes, result.performance_path
    found = set(listing(result.root / folder).files)
    if notes.judge("performance-missing", folder, wrong=not (result.root / folder).is_dir()):
        return
    required = {SUMMARY, DETAIL} | ({"spl.txt"} if has_power(result) else set())
    odd = (found ^ required) - IGNORED - {ACCURACY_LOG}
    notes.judge("performance-files", folder, wrong=odd, files=", ".join(sorted(odd)))
    check_log(result, notes, result.performance, folder)
    _check_meaning(result)


def has_power(result: Result) -> bool:
    """Tell whether power was measured."""
    return (result.root / result.path / "performance" / "power").is_dir()


def check_log(result: Result, notes: Notes, log: Log, folder: str, seeds: Seeds | None = None) -> None:
    """Check what a log of a performance run says of itself. ``seeds`` are those of a test that has its own."""
    path = f"{folder}/{DETAIL}"
    if not is_read(notes, log, path, "performance"):
        return
    notes.judge("result-invalid", path, wrong=log.get(VALIDITY) != "VALID", found=log.get(VALIDITY) or "nothing")
    check_errors(notes, log, path, "performance")
    _check_figure(result, notes, log, path)
    _check_seeds(result, notes, log, path, seeds)
    _check_length(result, notes, log, path)
    _check_bound(result, notes, log, path)
    _check_tokens(result, notes, log, path)
    _check_network(result, notes, log, path)


def is_read(notes: Notes, log: Log, path: str, run: str) -> bool:
    """Note whether a run's detail log can be read, and return it."""
    missing = notes.judge(f"{run}-log-missing", path, wrong=not log.exists)
    problem = (
        "no line of LoadGen is in it"
        if not log.style
        else f"{log.bad_lines} lines are not JSON"
        if log.bad_lines
        else ""
    )
    return not missing and not notes.judge(f"{run}-log-unreadable", path, wrong=problem, problem=problem)


def check_errors(notes: Notes, log: Log, path: str, run: str) -> None:
    """Check that LoadGen logged no error: as it counts them itself, and line by line."""
    errors, counted = notes.relevant(log.errors), log.number("num_errors")
    stated = errors if counted is None else counted
    text = "; ".join(dict.fromkeys(errors)) or f"it counts {counted}"
    notes.judge(f"{run}-errors", path, wrong=stated, errors=text)
    is_uncounted = bool(errors) and not stated
    notes.judge(f"{run}-errors-uncounted", path, wrong=is_uncounted, errors=text)


def inference_of(result: Result, log: Log) -> Inferred | None:
    """Return how the round infers the folder's scenario from the log's; None if it does not."""
    scenario = log.scenario
    rows = result.rules.submission.inferred
    return next((row for row in rows if row.scenario == result.scenario and row.log == scenario), None)


def _check_figure(result: Result, notes: Notes, log: Log, path: str) -> None:
    scenario = log.scenario
    key = result.rules.figure(result.benchmark, scenario)
    notes.judge(
        "figure-missing", path, wrong=log.number(key) is None, key=key or f"a figure of {scenario or 'no scenario'}"
    )
    if scenario == result.scenario:
        return
    how = inference_of(result, log)
    notes.judge("scenario-other", path, wrong=not how, found=scenario or "none", expected=result.scenario)
    is_refused = not how and result.scenario in result.rules.submission.inferred_only
    notes.judge("scenario-not-inferable", path, wrong=is_refused, found=scenario or "none", expected=result.scenario)
    if how:
        estimate = log.number(how.figure) if how.figure else 1
        notes.judge("estimate-missing", path, wrong=not estimate, key=how.figure)


def official_value(result: Result) -> tuple[float | None, str, bool]:
    """Return the round's figure of a result, its unit, and whether it is inferred; None without a figure."""
    log, scenario = result.performance, result.log_scenario
    key, how = result.rules.figure(result.benchmark, scenario), inference_of(result, result.performance)
    unit = _unit(result)
    value = log.number(key)
    if how and how.figure:
        value = log.number(how.figure)
        if value is None:
            return None, unit, True
        per_second = how.rate_of * 1e9 / value if how.rate_of and value else 0.0
        return per_second or value * how.times / (NS_PER_MS if unit == "ms" else 1), unit, True
    if value is not None and _is_latency(key):
        value /= NS_PER_MS
    return value, unit, False


def _is_latency(key: str) -> bool:
    return key in FIGURES and FIGURES[key].metric == LATENCY


def _unit(result: Result) -> str:
    own = result.rules.submission.units.get(result.benchmark, {}).get(result.scenario)
    key = result.rules.figure(result.benchmark, result.scenario) or result.rules.figure(result.benchmark, SERVER.name)
    if own or key not in FIGURES:
        return own or ""
    metric = FIGURES[key].metric
    return "ms" if metric == LATENCY else metric.unit


def _check_seeds(result: Result, notes: Notes, log: Log, path: str, seeds: Seeds | None) -> None:
    right = seeds or result.rules.ruleset.seeds
    if right is None:
        return
    expected = {f"effective_{setting}": getattr(right, name) for name, setting in SEEDS.items()}
    wrong = [f"{key} {log.get(key)}" for key, value in expected.items() if log.get(key) != value]
    notes.judge("seeds", path, wrong=wrong, found=", ".join(wrong), expected=", ".join(map(str, expected.values())))


def _check_length(result: Result, notes: Notes, log: Log, path: str) -> None:
    ruleset, facts = result.rules.ruleset, result.facts
    scenario = log.scenario
    rules = ruleset.scenarios.get(scenario)
    if rules is None or facts is None:
        return
    duration, least = log.number("effective_min_duration_ms"), rules.min_duration * 1000
    notes.judge("duration", path, wrong=duration is None or duration < least, found=duration, expected=least)
    drawn, size = log.number("effective_performance_sample_count"), facts.qsl_size or 0
    notes.judge("sample-count", path, wrong=drawn is None or drawn < size, found=drawn, expected=size)
    queries = facts.min_queries.get(scenario, rules.min_queries) or 0
    key = "effective_samples_per_query" if scenario == OFFLINE.name else "effective_min_query_count"
    made = log.number(key)
    if scenario == OFFLINE.name:
        notes.judge("offline-samples", path, wrong=made is None or made < queries, found=made, expected=queries)
    elif not ruleset.early_stopping:
        notes.judge("query-count", path, wrong=made is None or made < queries, found=made, expected=queries)
    is_equal = log.get("effective_sample_concatenate_permutation") is True
    notes.judge("equal-issue", path, wrong=result.benchmark in result.rules.submission.equal_issue and not is_equal)


def _check_bound(result: Result, notes: Notes, log: Log, path: str) -> None:
    """The latency bound: the one set in LoadGen since early stopping, what was measured before."""
    scenario = log.scenario
    bound = result.facts.latency_bounds_ms.get(scenario) if result.facts else None
    has_early_stopping = result.rules.ruleset.early_stopping and scenario in SCENARIOS and scenario != OFFLINE.name
    if has_early_stopping:
        notes.judge(
            "early-stopping",
            path,
            wrong=not log.get("early_stopping_met"),
            why=_one_line(log.get("early_stopping_result")),
        )
    if bound is None:
        return
    if has_early_stopping:
        told = log.number("effective_target_latency_ns")
        notes.judge(
            "latency-bound",
            path,
            wrong=told is None or told > bound * NS_PER_MS,
            found=_ms(told),
            expected=f"{bound:g}",
        )
    measured = log.number(
        "result_99.00_percentile_per_query_latency_ns"
        if scenario == MULTI_STREAM.name
        else "result_99.00_percentile_latency_ns"
    )
    has_token_bounds = result.benchmark in result.rules.submission.token_latencies  # LoadGen then bounds those instead
    if measured is not None and not has_token_bounds:
        notes.judge(
            "latency-measured", path, wrong=measured > bound * NS_PER_MS, found=_ms(measured), expected=f"{bound:g}"
        )


def _ms(nanoseconds: float | None) -> str:
    return "nothing" if nanoseconds is None else f"{nanoseconds / NS_PER_MS:g} ms"


def _one_line(value: object) -> str:
    return " ".join(str(value or "LoadGen gives no reason").split())


def _check_tokens(result: Result, notes: Notes, log: Log, path: str) -> None:
    by_scenario = result.rules.submission.token_latencies.get(result.benchmark)
    if by_scenario is None:
        return
    notes.judge("token-latencies-off", path, wrong=not log.get("requested_use_token_latencies"))
    if bounds := by_scenario.get(result.scenario):
        first = log.number("result_first_token_99.00_percentile_latency_ns")
        each = log.number("result_time_per_output_token_99.00_percentile_ns")
        wrong = first is None or each is None or first >= bounds.first_ns or each >= bounds.each_ns
        expected = f"{_ms(bounds.first_ns)} and {_ms(bounds.each_ns)}"
        notes.judge("token-latencies", path, wrong=wrong, found=f"{_ms(first)} and {_ms(each)}", expected=expected)


def _check_network(result: Result, notes: Notes, log: Log, path: str) -> None:
    if str(result.system_facts.get("is_network", "")).lower() == "true":
        name = str(log.get("sut_name") or "")
        notes.judge("network-sut", path, wrong=_NETWORK_SUT not in name, found=name)


def _check_meaning(result: Result) -> None:
    """What no official checker looks at: what LoadGen says of the run beside its verdict."""
    notes, log, path = result.notes, result.performance, f"{result.performance_path}/{DETAIL}"
    if not log.style:
        return
    notes.judge("summary-missing", path, wrong=not log.has_summary)
    verdicts = {str(item) for item in log.every(VALIDITY)}
    notes.judge("validity-repeated", path, wrong=len(verdicts) > 1, found=", ".join(sorted(verdicts)))
    for code, key in (
        ("duration-not-met", "result_min_duration_met"),
        ("queries-not-met", "result_min_queries_met"),
        ("constraint-not-met", "result_perf_constraints_met"),
    ):
        notes.judge(code, path, wrong=log.get(key) is False, key=key)
    mode = str(log.get("effective_test_mode") or "")
    is_other = bool(mode) and "Performance" not in mode
    notes.judge("performance-mode", path, wrong=is_other, found=mode)
    for key, (detail, summary) in same_figures(log).items() or {"": ("", "")}.items():
        notes.judge("summary-differs", path, wrong=key, key=key, detail=detail, summary=summary)
