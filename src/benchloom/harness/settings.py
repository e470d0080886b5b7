"""LoadGen's settings for one run: the ruleset's values over LoadGen's own, the user's over both."""

from typing import Any

import mlperf_loadgen as lg

from benchloom.harness.calibrate import MULTI_STREAM_QUERY
from benchloom.harness.options import Options
from benchloom.harness.rulesets import Ruleset

# Margins between what was measured and what LoadGen is told: with an expected latency above the true one, or an expected
# throughput below it, LoadGen prepares too few queries and ends early with INVALID.
_LATENCY_MARGIN = 0.7
_THROUGHPUT_MARGIN = 1.3
# Poisson arrivals need idle time: at this part of the rate of single inferences, queues stay short.
_SERVER_LOAD = 0.3

Value = str | int | float | bool | None


def test_settings(options: Options, ruleset: Ruleset, model: str, seconds: float | None) -> Any:
    """Return LoadGen TestSettings for ``options`` (its mode is still to be set).

    ``seconds`` are those that one instance takes for a sample in the scenario's batches; None where nothing was measured.

    LoadGen applies its compiled-in mlperf.conf only on the first FromConfig of a process, so make these once.
    """
    settings = lg.TestSettings()
    settings.FromConfig("", model, options.scenario, 0)
    settings.scenario = getattr(lg.TestScenario, options.scenario)
    rules = ruleset.rules[options.scenario]
    settings.min_duration_ms = int((options.duration or rules.min_duration) * 1000)
    settings.min_query_count = rules.min_queries
    settings.performance_sample_count_override = 0
    _set_expectations(settings, options, seconds)
    bound = options.max_latency_ms or ruleset.server_bounds_ms.get(model, ruleset.default_server_bound_ms)
    settings.server_target_latency_ns = int(bound * 1e6)
    settings.server_coalesce_queries = True
    if ruleset.seeds:
        settings.qsl_rng_seed, settings.sample_index_rng_seed, settings.schedule_rng_seed = ruleset.seeds
    if options.user_conf:
        settings.FromConfig(str(options.user_conf), model, options.scenario, 2)
    return settings


def _set_expectations(settings: Any, options: Options, seconds: float | None) -> None:
    """Set what the user states, or what the measurement suggests; otherwise LoadGen's own values stay."""
    rate = options.instances / seconds if seconds else None  # samples per second of all instances
    latency = options.target_latency_ms and options.target_latency_ms / 1000
    if single := latency or (seconds and seconds * _LATENCY_MARGIN):
        settings.single_stream_expected_latency_ns = int(single * 1e9)
    if multi := latency or (rate and MULTI_STREAM_QUERY / rate * _LATENCY_MARGIN):
        settings.multi_stream_expected_latency_ns = int(multi * 1e9)
    if server := options.target_qps or (rate and rate * _SERVER_LOAD):
        settings.server_target_qps = server
    if offline := options.target_qps or (rate and rate * _THROUGHPUT_MARGIN):
        settings.offline_expected_qps = offline


def shown(settings: Any, scenario: str) -> dict[str, Value]:
    """Return what of ``settings`` matters to ``scenario``, for the record."""
    found: dict[str, Value] = {
        "min_duration_ms": settings.min_duration_ms,
        "min_query_count": settings.min_query_count,
        "qsl_rng_seed": settings.qsl_rng_seed,
        "sample_index_rng_seed": settings.sample_index_rng_seed,
        "schedule_rng_seed": settings.schedule_rng_seed,
    }
    names = {
        "SingleStream": ("single_stream_expected_latency_ns", "single_stream_target_latency_percentile"),
        "MultiStream": (
            "multi_stream_expected_latency_ns",
            "multi_stream_target_latency_percentile",
            "multi_stream_samples_per_query",
        ),
        "Server": (
            "server_target_qps",
            "server_target_latency_ns",
            "server_target_latency_percentile",
            "server_coalesce_queries",
        ),
        "Offline": ("offline_expected_qps",),
    }[scenario]
    return {**found, **{name: getattr(settings, name) for name in names}}
