"""Rows of scenarios, metrics and figures: LoadGen has every setting they name, and each scenario has what reports and tunings ask for."""

import mlperf_loadgen as lg
import pytest

from benchloom.rules.figures import FIGURES, figures_of
from benchloom.rules.metrics import METRICS, metric_title
from benchloom.rules.scenarios import DEFAULT_SCENARIO, SCENARIOS, SERVER, Scenario

ROWS = pytest.mark.parametrize("row", SCENARIOS.values(), ids=lambda row: row.name)


@ROWS
def test_loadgen_has_the_scenario_and_its_settings(row: Scenario):
    settings = lg.TestSettings()
    settings.scenario = getattr(lg.TestScenario, row.name)
    for name in {*row.keys.values(), *row.prepared, *row.shown}:
        assert isinstance(getattr(settings, name), (int, float, bool)), name


@ROWS
def test_samples_per_query_are_loadgens_own(row: Scenario):
    settings = lg.TestSettings()
    settings.FromConfig("", "resnet50", row.name, 0)
    if "samples_per_query" in row.keys:
        assert getattr(settings, row.keys["samples_per_query"]) == row.samples_per_query
    else:
        assert row.samples_per_query in {1, None}


@ROWS
def test_expectation_comes_first_of_what_loadgen_prepares(row: Scenario):
    assert row.prepared[0] == row.expected == row.keys[row.expectation]
    assert len(set(row.prepared)) == len(row.prepared)
    assert set(row.prepared) <= set(row.shown)
    assert row.expects_rate == (row.expectation == "target_qps")


@ROWS
def test_search_is_of_a_metric_with_a_direction(row: Scenario):
    assert row.search.metric.name in METRICS
    assert (row.search.metric.better == "less") == (row.search.metric.unit == "ns")
    assert row.search.sieve in {"", *SCENARIOS}
    assert set(row.search.axes) <= {"batch_size", "threads", "instances"}


@ROWS
def test_scenario_has_figures_and_no_other_scenario_has_them(row: Scenario):
    assert figures_of(row.name)
    assert all(item.scenario is row for item in figures_of(row.name))


def test_only_single_stream_is_the_default_and_only_server_has_a_bound():
    assert DEFAULT_SCENARIO.name == "SingleStream"
    assert [name for name, row in SCENARIOS.items() if row.bound] == [SERVER.name]
    assert [name for name, row in SCENARIOS.items() if not row.uses_instances] == ["SingleStream"]
    assert [name for name, row in SCENARIOS.items() if not row.has_percentiles] == ["Offline"]


def test_figures_cover_the_keys_of_every_round_and_unknown_scenarios_have_none():
    assert {key: row.scenario.name for key, row in FIGURES.items()} == {
        "result_90.00_percentile_latency_ns": "SingleStream",
        "early_stopping_latency_ss": "SingleStream",
        "result_99.00_percentile_per_query_latency_ns": "MultiStream",
        "early_stopping_latency_ms": "MultiStream",
        "effective_samples_per_query": "MultiStream",
        "result_scheduled_samples_per_sec": "Server",
        "result_completed_samples_per_sec": "Server",
        "result_samples_per_second": "Offline",
    }
    assert figures_of("Interactive") == ()


def test_title_of_an_unknown_metric_is_its_name():
    assert (metric_title("top1"), metric_title("DICE")) == ("top-1", "DICE")
