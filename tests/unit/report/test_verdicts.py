"""What to do about an INVALID run, by the reasons that LoadGen 6 gives."""

import msgspec
import pytest

import support.results
from benchloom.model.record import Performance
from benchloom.report.verdicts import next_steps

replace = msgspec.structs.replace
TARGET = "program:app"
PERFORMANCE = Performance(
    scenario="Server",
    valid=False,
    samples_per_second=1000.0,
    latency_ns={"p50": 399_400},
    query_count=500,
    sample_count=500,
)
RESULTS = replace(
    support.results.RESULTS,
    scenario="Server",
    mode="performance",
    performance=PERFORMANCE,
    settings={"server_target_qps": 1280.546, "min_duration_ms": 1500},
)
EARLY = (
    "early stopping: * Run unsuccessful. * Processed 500 queries. * Would need to run at least {} more queries, with the run "
    "being successful if every additional query were under latency."
)
LOWER = "set --target_qps below 1280.5, or let loom tune program:app --scenario=Server find the highest valid one"


@pytest.mark.parametrize(
    ("reasons", "steps"),
    [
        (
            ("Reduce target QPS to improve latency.", EARLY.format(53868), "the latency constraint was not met"),
            (LOWER,),
        ),
        (("the latency constraint was not met",), (LOWER,)),
        (
            ("Increase expected QPS so the loadgen pre-generates a larger (coalesced) query.",),
            ("set the measured rate: --target_qps=1300",),
        ),
        (
            ("Decrease the expected latency so the loadgen pre-generates more queries.",),
            ("set the measured latency: --target_latency_ms=0.399, or omit it",),
        ),
        ((EARLY.format(500),), ("run longer: --duration=4",)),
        (("The test exited early, before enough queries were issued.",), ("run longer: --duration=2",)),
        (("something that nobody has seen yet",), ("see performance/mlperf_log_detail.txt in the run directory",)),
    ],
)
def test_next_step_follows_from_loadgens_reason(reasons: tuple[str, ...], steps: tuple[str, ...]):
    results = replace(RESULTS, performance=replace(PERFORMANCE, invalid_reasons=reasons))
    assert next_steps(results, TARGET) == steps


def test_too_few_queries_or_too_short_a_run_has_to_last_longer():
    results = replace(RESULTS, performance=replace(PERFORMANCE, min_queries_met=False))
    assert next_steps(results, TARGET) == ("run longer: --duration=2",)


def test_valid_run_and_run_without_performance_need_nothing():
    assert next_steps(replace(RESULTS, performance=replace(PERFORMANCE, valid=True)), TARGET) == ()
    assert next_steps(replace(RESULTS, performance=None), TARGET) == ()
