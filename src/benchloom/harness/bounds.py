"""Limits on LoadGen's settings: the number of queries it will generate, their memory and their time.

LoadGen generates all queries of a performance run in advance (mlcommons/inference, loadgen/loadgen.cc,
``GenerateQueries``): twice as many as the minimum duration needs at the expected latency, so that a faster system does
not run out of queries. It has no limit of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchloom.base.units import human_bytes, human_seconds
from benchloom.errors import InputError
from benchloom.harness.memory import available_memory
from benchloom.model.quantities import MOST_SECONDS
from benchloom.rules.scenarios import QUERY_SIZE, SCENARIOS, Scenario

# Measured with mlcommons-loadgen 6.0.17 as the growth of VmHWM: 324 to 556 bytes for each query of SingleStream and Server (the list of
# queries grows by doubling), 660 to 1,122 for MultiStream's of eight samples, up to 447 for each sample of Offline's one query, Python's
# objects included.
BYTES_PER_QUERY = 556
BYTES_PER_FURTHER_SAMPLE = 81
BYTES_PER_OFFLINE_SAMPLE = 450
MEMORY_SHARE = 0.5  # of the memory available at the start of the run

_ALWAYS = ("min_duration_ms", "min_query_count")


@dataclass(frozen=True)
class Generated:
    """What LoadGen generates for a performance run: ``queries`` of ``samples_per_query``, in ``memory`` bytes."""

    queries: int
    samples_per_query: int
    memory: int


def generated(settings: Any) -> Generated:
    """Return what LoadGen will generate with ``settings`` for a performance run, by its own formulas."""
    scenario, seconds, least = (
        SCENARIOS[settings.scenario.name],
        settings.min_duration_ms / 1000,
        settings.min_query_count,
    )
    expected = getattr(settings, scenario.expected)
    if scenario.arrival == "at once":
        samples = max(least, int(1.1 * seconds * expected))
        return Generated(1, samples, samples * BYTES_PER_OFFLINE_SAMPLE)
    wanted = seconds * expected if scenario.expects_rate else 2 * seconds * 1e9 / expected
    queries, size = max(least, int(wanted)), _query_size(settings, scenario)
    return Generated(queries, size, queries * (BYTES_PER_QUERY + (size - 1) * BYTES_PER_FURTHER_SAMPLE))


def _query_size(settings: Any, scenario: Scenario) -> int:
    return int(getattr(settings, scenario.keys[QUERY_SIZE])) if QUERY_SIZE in scenario.keys else 1


def expected_seconds(settings: Any, seconds: float | None, instances: int) -> float:
    """Return the expected time of the performance run: until both minimum duration and minimum count are reached.

    ``seconds`` is the measured time of one instance per sample; without it LoadGen's expectation is used.
    """
    scenario, least = SCENARIOS[settings.scenario.name], settings.min_duration_ms / 1000
    expected = getattr(settings, scenario.expected)
    if scenario.arrival == "by rate":
        return float(max(least, settings.min_query_count / expected))
    if scenario.arrival == "at once":
        rate = instances / seconds if seconds else expected
        return float(generated(settings).samples_per_query / rate)
    query = expected / 1e9 if seconds is None else seconds * _query_size(settings, scenario) / instances
    longest = settings.max_duration_ms / 1000 or math.inf
    return float(min(max(least, settings.min_query_count * query), max(longest, least)))


def refuse_unbounded(settings: Any, seconds: float | None, instances: int, where: Mapping[str, str]) -> None:
    """Raise InputError for settings with which LoadGen would run forever, exhaust memory, or measure nothing.

    ``where`` gives the origin of settings: a flag, or a line of user.conf.
    """
    for name in (*_ALWAYS, *SCENARIOS[settings.scenario.name].prepared):
        value = getattr(settings, name)
        if not (value > 0 and math.isfinite(value)) or (name.endswith("percentile") and value >= 1):
            wanted = "between 0 and 1" if name.endswith("percentile") else "above zero"
            raise InputError(
                f"LoadGen's {name} would be {value:g}; it must be {wanted}",
                where=where.get(name, name),
                fix="omit it, so that a measurement or the ruleset decides",
            )
    made = generated(settings)
    available = available_memory()
    if available is not None and made.memory > available * MEMORY_SHARE:
        raise InputError(
            f"LoadGen would prepare {made.queries * made.samples_per_query:,} samples in {made.queries:,} queries, which take "
            f"{human_bytes(made.memory)} of memory",
            where=_blamed(settings, where),
            why=[f"{human_bytes(available)} are available, of which a run may use half for queries"],
            fix="choose a shorter duration, a smaller count, or an expectation closer to the measured speed",
        )
    needed = expected_seconds(settings, seconds, instances)
    is_long = settings.min_duration_ms / 1000 > MOST_SECONDS and "min_duration_ms" in where
    if needed > MOST_SECONDS:
        raise InputError(
            f"the performance run would take about {human_seconds(needed)}",
            where=where["min_duration_ms"] if is_long else _blamed(settings, where),
            why=[
                f"{made.queries:,} queries, least duration {settings.min_duration_ms / 1000:g} s; the limit is one week"
            ],
            fix="choose a shorter duration or a smaller count",
        )


def _blamed(settings: Any, where: Mapping[str, str]) -> str:
    names = ("min_query_count", *SCENARIOS[settings.scenario.name].prepared, "min_duration_ms")
    return next((where[name] for name in names if name in where), "LoadGen's settings")
