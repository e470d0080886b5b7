"""LoadGen's settings for one run: the ruleset's values over LoadGen's own, the user's over both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlperf_loadgen as lg

from benchloom.errors import InputError
from benchloom.harness.bounds import SCENARIO_SETTINGS, refuse_unbounded
from benchloom.harness.calibrate import MULTI_STREAM_QUERY, Speed
from benchloom.harness.options import Options
from benchloom.harness.rulesets import Ruleset
from benchloom.harness.user_conf import KEYS, applied, read_user_conf
from benchloom.model.record import AppliedSetting

# Margins between what was measured and what LoadGen is told. LoadGen keeps all queries in memory: twice as many as fit into the least
# duration at the expected latency, a tenth more than an expected throughput asks for. If the system uses them up, the run ends early and is
# INVALID: a quarter above the median allows for a system 1.6 times as fast.
_LATENCY_MARGIN = 1.25
_THROUGHPUT_MARGIN = 1.3
# Poisson arrivals need idle time: at this part of the rate of single inferences, queues stay short.
_SERVER_LOAD = 0.3

Value = str | int | float | bool | None


@dataclass(frozen=True)
class LoadGenSettings:
    """LoadGen's TestSettings ``test`` with what the user's ``user.conf`` changed in them, and its lines that do not concern this run."""

    test: Any
    applied: tuple[AppliedSetting, ...] = ()
    not_applied: tuple[str, ...] = ()


def test_settings(options: Options, ruleset: Ruleset, model: str, speed: Speed | None) -> LoadGenSettings:
    """Return LoadGen's settings for ``options`` (their mode is still to be set).

    ``speed`` is how fast one instance takes samples in the scenario's batches; None if nothing was measured. Raises InputError
    for a user.conf that LoadGen would not apply as it stands, and for settings without a bound (``bounds``).

    LoadGen applies its compiled-in mlperf.conf only on the first FromConfig of a process, so make these once.
    """
    settings = lg.TestSettings()
    settings.FromConfig("", model, options.scenario, 0)
    settings.scenario = getattr(lg.TestScenario, options.scenario)
    rules = ruleset.rules[options.scenario]
    settings.min_duration_ms = int((options.duration or rules.min_duration) * 1000)
    settings.min_query_count = rules.min_queries
    settings.performance_sample_count_override = 0
    _set_expectations(settings, options, speed)
    bound = options.max_latency_ms or ruleset.server_bounds_ms.get(model, ruleset.default_server_bound_ms)
    settings.server_target_latency_ns = int(bound * 1e6)
    settings.server_coalesce_queries = True
    if ruleset.seeds:
        settings.qsl_rng_seed, settings.sample_index_rng_seed, settings.schedule_rng_seed = ruleset.seeds
    made = _with_user_conf(settings, options, model)
    refuse_unbounded(settings, speed.median if speed else None, options.instances, _origins(options, made.applied))
    return made


def _with_user_conf(settings: Any, options: Options, model: str) -> LoadGenSettings:
    if options.user_conf is None:
        return LoadGenSettings(settings)
    conf = read_user_conf(options.user_conf, model, options.scenario)
    before = {name: getattr(settings, name) for key in KEYS.values() for name in key.settings.values()}
    if settings.FromConfig(str(options.user_conf), model, options.scenario, 2) != 0:
        raise InputError("LoadGen refuses the user.conf", where=str(options.user_conf))
    return LoadGenSettings(settings, applied(conf, options.scenario, before, settings), tuple(conf.not_applied))


def _origins(options: Options, changed: Sequence[AppliedSetting]) -> dict[str, str]:
    """Return by setting of LoadGen where the user set it: the flag, or the line of user.conf, which comes last."""
    flags = {
        "min_duration_ms": ("--duration", options.duration),
        "server_target_qps": ("--target_qps", options.target_qps),
        "offline_expected_qps": ("--target_qps", options.target_qps),
        "single_stream_expected_latency_ns": ("--target_latency_ms", options.target_latency_ms),
        "multi_stream_expected_latency_ns": ("--target_latency_ms", options.target_latency_ms),
        "server_target_latency_ns": ("--max_latency_ms", options.max_latency_ms),
    }
    found = {name: flag for name, (flag, value) in flags.items() if value is not None}
    return {**found, **{item.setting: f"{options.user_conf}:{item.line}: {item.key}" for item in changed}}


def _set_expectations(settings: Any, options: Options, speed: Speed | None) -> None:
    """Set what the user states, or what the measurement suggests; otherwise LoadGen's own values stay."""
    rate = options.instances / speed.best if speed else None  # samples per second of all instances
    latency = options.target_latency_ms and options.target_latency_ms / 1000
    if single := latency or (speed and speed.median * _LATENCY_MARGIN):
        settings.single_stream_expected_latency_ns = int(single * 1e9)
    if multi := latency or (speed and MULTI_STREAM_QUERY * speed.median / options.instances * _LATENCY_MARGIN):
        settings.multi_stream_expected_latency_ns = int(multi * 1e9)
    if server := options.target_qps or (rate and rate * _SERVER_LOAD):
        settings.server_target_qps = server
    if offline := options.target_qps or (rate and rate * _THROUGHPUT_MARGIN):
        settings.offline_expected_qps = offline


def shown(settings: Any, scenario: str) -> dict[str, Value]:
    """Return what of ``settings`` matters to ``scenario``, for the record."""
    names = (
        "min_duration_ms",
        "min_query_count",
        "qsl_rng_seed",
        "sample_index_rng_seed",
        "schedule_rng_seed",
        *SCENARIO_SETTINGS[scenario],
        *(("server_coalesce_queries",) if scenario == "Server" else ()),
    )
    return {name: getattr(settings, name) for name in names}
