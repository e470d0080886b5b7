"""LoadGen's settings for one run: LoadGen's defaults, overridden by the ruleset, overridden by the user."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlperf_loadgen as lg

from benchloom.errors import InputError
from benchloom.harness.bounds import refuse_unbounded
from benchloom.harness.calibrate import Speed
from benchloom.harness.options import Options
from benchloom.harness.user_conf import KEYS, applied, read_user_conf
from benchloom.model.record import AppliedSetting
from benchloom.model.ruleset import Ruleset
from benchloom.rules.rulesets import SEEDS, bound_ms, least_queries, scenario_rules
from benchloom.rules.scenarios import COALESCE, SCENARIOS, Scenario

Value = str | int | float | bool | None


@dataclass(frozen=True)
class LoadGenSettings:
    """LoadGen's TestSettings ``test`` with what the user's ``user.conf`` changed in them, and its lines that do not apply to this run."""

    test: Any
    applied: tuple[AppliedSetting, ...] = ()
    not_applied: tuple[str, ...] = ()


def test_settings(options: Options, ruleset: Ruleset, model: str, speed: Speed | None) -> LoadGenSettings:
    """Return LoadGen's settings for ``options`` (their mode is still to be set).

    ``speed`` is the measured speed of one instance with the scenario's batches; None if not measured. Raises InputError
    for a user.conf that LoadGen would not apply completely, and for unbounded settings (``bounds``).

    LoadGen applies its compiled-in mlperf.conf only on the first FromConfig of a process, so call this once.
    """
    settings = lg.TestSettings()
    settings.FromConfig("", model, options.scenario, 0)
    settings.scenario = getattr(lg.TestScenario, options.scenario)
    rules = scenario_rules(ruleset, options.scenario)
    settings.min_duration_ms = int((options.duration or rules.min_duration) * 1000)
    if (least := least_queries(ruleset, options.scenario, model)) is not None:
        settings.min_query_count = least
    settings.performance_sample_count_override = 0
    scenario = SCENARIOS[options.scenario]
    _set_expectation(settings, scenario, options, speed)
    bound = options.max_latency_ms or bound_ms(ruleset, options.scenario, model)
    if scenario.bound and bound is not None:
        setattr(settings, scenario.bound, int(bound * 1e6))
    if COALESCE in scenario.keys:
        setattr(settings, scenario.keys[COALESCE], True)
    if seeds := ruleset.seeds:  # by API: LoadGen does not read them from a user.conf
        for name, setting in SEEDS.items():
            setattr(settings, setting, getattr(seeds, name))
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
    """Return the origin of each LoadGen setting set by the user: the flag, or the line of user.conf, which wins."""
    scenario = SCENARIOS[options.scenario]
    stated = (
        ("--target_qps", options.target_qps)
        if scenario.expects_rate
        else ("--target_latency_ms", options.target_latency_ms)
    )
    flags = {
        "min_duration_ms": ("--duration", options.duration),
        scenario.expected: stated,
        **({scenario.bound: ("--max_latency_ms", options.max_latency_ms)} if scenario.bound else {}),
    }
    found = {name: flag for name, (flag, value) in flags.items() if value is not None}
    return {**found, **{item.setting: f"{options.user_conf}:{item.line}: {item.key}" for item in changed}}


def _set_expectation(settings: Any, scenario: Scenario, options: Options, speed: Speed | None) -> None:
    """Set the expectation from the user or the measurement; otherwise LoadGen's default is kept."""
    if scenario.expects_rate:
        rate = options.instances / speed.best if speed else None  # samples per second of all instances
        if wanted := options.target_qps or (rate and rate * scenario.expected_margin):
            setattr(settings, scenario.expected, wanted)
        return
    stated = options.target_latency_ms and options.target_latency_ms / 1000
    of_query = speed and (scenario.samples_per_query or 1) * speed.median / options.instances
    if latency := stated or (of_query and of_query * scenario.expected_margin):
        setattr(settings, scenario.expected, int(latency * 1e9))


def shown(settings: Any, scenario: str) -> dict[str, Value]:
    """Return the ``settings`` that are relevant to ``scenario``, for the record."""
    names = (
        "min_duration_ms",
        "min_query_count",
        *SEEDS.values(),
        *SCENARIOS[scenario].shown,
    )
    return {name: getattr(settings, name) for name in names}
