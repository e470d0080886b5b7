import statistics

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchloom.model.record import Accuracy, Performance
from benchloom.record.statistics import over_results, statistics_of
from support.results import RESULTS


def results(speed: float, top1: float | None = None):
    performance = Performance(scenario="Offline", valid=True, samples_per_second=speed, latency_ns={"p50": int(speed)})
    return msgspec.structs.replace(RESULTS, accuracy=Accuracy(metric="top1", top1=top1), performance=performance)


def test_statistics_of_one_value_has_no_deviation():
    found = statistics_of([2.5])
    assert (found.min, found.median, found.mean, found.max, found.stdev) == (2.5, 2.5, 2.5, 2.5, 0.0)


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=30))
def test_statistics_of_values_lie_between_their_ends(values: list[float]):
    found = statistics_of(values)
    assert found.min <= found.median <= found.max
    assert found.stdev == pytest.approx(statistics.stdev(values))


def test_over_results_with_repetitions_has_every_figure():
    found = over_results([results(10.0, 0.5), results(20.0, 0.7)])
    assert set(found) == {"accuracy.top1", "performance.latency_ns.p50", "performance.samples_per_second"}
    assert found["performance.samples_per_second"].median == 15.0
    assert found["accuracy.top1"].max == 0.7


def test_over_results_without_accuracy_leaves_it_out():
    only_speed = msgspec.structs.replace(results(10.0), accuracy=None)
    assert "accuracy.top1" not in over_results([only_speed, results(12.0)])
