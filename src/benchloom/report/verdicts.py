"""Suggestions for a run that LoadGen calls INVALID, by its reasons."""

import re
from collections.abc import Callable

from benchloom.model.record import Performance, Results
from benchloom.rules.scenarios import OFFLINE, SCENARIOS


def next_steps(results: Results, target: str) -> tuple[str, ...]:
    """Return changes that can make a run of ``target`` like that of ``results`` VALID; nothing for a VALID one."""
    performance = results.performance
    if performance is None or performance.valid:
        return ()
    reasons = [*performance.invalid_reasons, *performance.errors]
    found = [step(results, performance, target) for pattern, step in _STEPS if any(map(pattern.search, reasons))]
    if performance.min_queries_met is False or performance.min_duration_met is False:
        found.append(_run_longer(results, performance, target))
    steps = dict.fromkeys(text for text in found if text)
    return tuple(steps) or ("see performance/mlperf_log_detail.txt in the run directory",)


def _lower_target(results: Results, performance: Performance, target: str) -> str:
    scenario = SCENARIOS[performance.scenario]
    qps = results.settings.get(scenario.expected)
    below = f" below {qps:.5g}" if isinstance(qps, (int, float)) else ""
    return f"set --target_qps{below}, or let loom tune {target} --scenario={scenario.name} find the highest valid one"


def _higher_rate(results: Results, performance: Performance, target: str) -> str:
    del results, target
    expected = (
        performance.samples_per_second * OFFLINE.stated_margin
    )  # with a lower value, LoadGen prepares too few queries
    return f"set the measured rate: --target_qps={expected:.0f}"


def _lower_latency(results: Results, performance: Performance, target: str) -> str:
    del results, target
    median = performance.latency_ns.get("p50")
    value = f"={median / 1e6:.3g}" if median else ""
    return f"set the measured latency: --target_latency_ms{value}, or omit it"


def _run_longer(results: Results, performance: Performance, target: str) -> str:
    """Suggest more queries, unless the cause is a missed bound or too few prepared queries."""
    del target
    if any(
        pattern.search(reason)
        for pattern, step in _STEPS
        if step is not _run_longer
        for reason in performance.invalid_reasons
    ):
        return ""
    least = results.settings.get("min_duration_ms")
    more = sum(int(match[1]) for reason in performance.invalid_reasons for match in _MORE_QUERIES.finditer(reason))
    if not (isinstance(least, (int, float)) and performance.query_count):
        return "run longer: --duration=SECONDS"
    seconds = least / 1000 * (1 + more / performance.query_count) * 1.2
    return f"run longer: --duration={max(1, round(seconds))}"


_MORE_QUERIES = re.compile(r"at least (\d+) more queries")
_STEPS: tuple[tuple[re.Pattern[str], Callable[[Results, Performance, str], str]], ...] = (
    (re.compile(r"Reduce target QPS|latency constraint was not met"), _lower_target),
    (re.compile(r"Increase (?:the target|expected) QPS"), _higher_rate),
    (re.compile(r"Decrease the expected latency"), _lower_latency),
    (re.compile(r"early stopping|exited early"), _run_longer),
)
