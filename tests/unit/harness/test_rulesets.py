"""Rulesets: the round's numbers are those that its rules derive, and quick's pass LoadGen's early stopping."""

import math
from statistics import NormalDist

import pytest

from benchloom.harness.rulesets import QUICK, V1_0
from benchloom.rules.scenarios import SCENARIOS


def queries(percentile: float) -> int:
    """Return the queries of MLPerf's rules: 99 % confidence, a margin of a twentieth of the tail, rounded up to a multiple of 2^13."""
    margin = (1 - percentile) / 20
    exact = NormalDist().inv_cdf(0.995) ** 2 * percentile * (1 - percentile) / margin**2
    return math.ceil(exact / 2**13) * 2**13


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_round_lasts_ten_minutes_and_as_many_queries_as_its_percentile_needs(scenario: str):
    rules = V1_0.rules[scenario]
    assert rules.min_duration == 600
    wanted = {"SingleStream": 1024, "Offline": queries(0.9)}  # the first by its own rule
    assert rules.min_queries == wanted.get(scenario, queries(0.99))


def test_round_states_seeds_bounds_and_sample_counts_by_benchmark():
    assert V1_0.seeds == (7322528924094909334, 1570999273408051088, 3507442325620259414)  # mlperf.conf at v1.0.1
    assert V1_0.server_bounds_ms == {"resnet50": 15, "ssd-resnet34": 100}
    assert V1_0.default_server_bound_ms == 10
    assert V1_0.sample_counts == {"resnet50": 1024, "mobilenet": 1024, "ssd-mobilenet": 256, "ssd-resnet34": 64}
    assert "MultiStream" in V1_0.notes


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_quick_takes_seconds_and_enough_queries_for_early_stopping(scenario: str):
    rules = QUICK.rules[scenario]
    assert 1 <= rules.min_duration < 2
    tail = math.ceil(
        math.log(0.01) / math.log(0.99)
    )  # no query too slow among these shows the 99th percentile with 99 %
    least = {"SingleStream": 64, "MultiStream": tail, "Server": tail, "Offline": 1}
    assert least[scenario] <= rules.min_queries < 1000
    assert not QUICK.is_official
    assert QUICK.seeds is None
