"""The search space of a tuning: the grid of settings, the best probes, and the next target of Server.

Pure functions.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product

from benchloom.base.names import did_you_mean
from benchloom.errors import UnknownNameError
from benchloom.model.tuning import Probe, TuningPoint
from benchloom.model.values import FROM_ONE, wholes
from benchloom.rules.scenarios import AXES, SCENARIOS, SERVER

LARGEST_BATCH = 64
_USUAL_BATCH = 32
# Targets further than this factor from the first one (half of Offline's throughput) are not tried:
# the lower a target, the longer LoadGen takes to issue its minimum number of queries.
_REACH = 16


def parse_over(words: Sequence[str], declared: Collection[str]) -> dict[str, tuple[int, ...]]:
    """Return the values to try by input, from words such as ``batch_size=1,8``. Raises InputError."""
    found: dict[str, tuple[int, ...]] = {}
    for word in words:
        name, _, text = word.partition("=")
        known = [item for item in AXES if item in declared]
        if name not in known:
            hint = did_you_mean(name, known) or f"it supports {', '.join(known) or 'none of this program'}"
            raise UnknownNameError(f"{name!r} is not an input that can be searched", where="--over", fix=hint)
        found[name] = wholes(text, f"--over {name}", FROM_ONE)
    return found


def grid(
    axes: Collection[str], chosen: Mapping[str, tuple[int, ...]], cores: int, max_batch: int | None
) -> tuple[TuningPoint, ...]:
    """Return the settings to try, most promising first.

    ``axes`` are searched; those in ``chosen`` over the given values. Threads and instances together use all
    ``cores`` or half of them, for machines with two threads per core.
    """
    batches: Sequence[int | None] = chosen.get("batch_size") or _batches(max_batch) if "batch_size" in axes else (None,)
    pairs = list(_pairs(axes, chosen, cores))
    found = [
        TuningPoint(batch_size=batch, threads=threads, instances=instances)
        for batch, (threads, instances) in product(batches, pairs)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda item: _unlikeliness(item, cores)))


def _unlikeliness(settings: TuningPoint, cores: int) -> tuple[int, float, int]:
    """Distance from fully used cores and from the usual batch size."""
    threads, instances = settings.threads or 1, settings.instances or 1
    return (
        abs(cores - threads * instances),
        abs(math.log2((settings.batch_size or _USUAL_BATCH) / _USUAL_BATCH)),
        -threads,
    )


def _batches(max_batch: int | None) -> tuple[int, ...]:
    largest = min(max_batch or LARGEST_BATCH, LARGEST_BATCH)
    return _powers(largest)


def _powers(largest: int) -> tuple[int, ...]:
    """1, 2, 4, … and ``largest`` itself."""
    return tuple(sorted({largest, *(2**power for power in range(largest.bit_length()) if 2**power <= largest)}))


def _pairs(
    axes: Collection[str], chosen: Mapping[str, tuple[int, ...]], cores: int
) -> Iterable[tuple[int | None, int | None]]:
    threads, instances = chosen.get("threads"), chosen.get("instances")
    if "instances" not in axes:
        return [(item, None) for item in threads or _powers(cores)] if "threads" in axes else [(None, None)]
    if "threads" not in axes:
        return [(None, item) for item in instances or _powers(cores)]
    if threads and instances:
        return product(threads, instances)
    if instances:
        return [(other, item) for item in instances for other in _beside(item, cores)]
    return [(item, other) for item in threads or _powers(cores) for other in _beside(item, cores)]


def _beside(number: int, cores: int) -> tuple[int, ...]:
    """How many of the other kind to combine with ``number`` of one, so that all cores or half of them are used."""
    return tuple({max(cores // number, 1), max(cores // 2 // number, 1)})


def ranked(probes: Iterable[Probe], better: str) -> list[Probe]:
    """Return the valid probes, best figure first, earlier ones first among equals."""
    counted = [probe for probe in probes if probe.valid and probe.figure is not None]
    return sorted(counted, key=lambda probe: (probe.figure or 0.0) * (-1 if better == "more" else 1))


def best_of(probes: Sequence[Probe], scenario: str) -> tuple[Probe | None, int]:
    """Return the best valid probe of ``scenario``, and how often it was measured.

    Probes of different lengths are not compared: the longest valid ones decide. A target of Server counts
    if every run of it was VALID, and so was every lower one.
    """
    measured = [probe for probe in probes if probe.scenario == scenario]
    if SCENARIOS[scenario].search.sieve:
        counted = [probe for group in _by_grid(measured).values() for probe in _within_bounds(group)]
    else:
        longest = max((probe.duration or 0.0 for probe in measured if probe.valid), default=0.0)
        counted = [probe for probe in measured if (probe.duration or 0.0) == longest]
    found = next(iter(ranked(counted, SCENARIOS[scenario].search.metric.better)), None)
    return found, sum(probe.settings == found.settings for probe in counted) if found else 0


def _by_grid(probes: Sequence[Probe]) -> dict[tuple[object, ...], list[Probe]]:
    found: dict[tuple[object, ...], list[Probe]] = {}
    for probe in probes:
        settings = probe.settings
        found.setdefault((settings.batch_size, settings.threads, settings.instances), []).append(probe)
    return found


def _within_bounds(probes: Sequence[Probe]) -> list[Probe]:
    """Of probes that differ only in their target, those below every INVALID target."""
    limit = min((probe.settings.target_qps or 0.0 for probe in probes if not probe.valid), default=math.inf)
    return [probe for probe in probes if (probe.settings.target_qps or 0.0) < limit]


def next_target(
    tried: Sequence[tuple[float, bool]],
    start: float,
    precision: float,
    floor: float = 0.0,
    confirmations: int = SERVER.search.confirmations,
) -> float | None:
    """Return the target to try after ``tried`` (targets, and whether each run was VALID); None at the end of the search.

    Validity is assumed to be monotone: targets above an INVALID one are INVALID as well. From ``start``, targets double
    or halve until a VALID one is below an INVALID one; then the gap is halved until it is less than ``precision`` of
    the lower one, which must be VALID ``confirmations`` times. Where that fails, the search goes on below it. Targets
    up to ``floor`` are ignored.
    """
    lowest_invalid = min((target for target, valid in tried if not valid), default=math.inf)
    valid = [target for target, is_valid in tried if is_valid and target < lowest_invalid]
    highest_valid = max(valid, default=0.0)
    following = _between(highest_valid, lowest_invalid, start, precision)
    if following is not None:
        return following if following > floor else None
    return highest_valid if 0 < valid.count(highest_valid) < confirmations else None


def _between(low: float, high: float, start: float, precision: float) -> float | None:
    if not low and math.isinf(high):
        return start
    if not low:
        return _rounded(high / 2) if high > start / _REACH else None
    if math.isinf(high):
        return _rounded(low * 2) if low < start * _REACH else None
    middle = _rounded((low + high) / 2)
    return middle if high > low * (1 + precision) and low < middle < high else None


def _rounded(value: float) -> float:
    """Three significant digits: more are not measurable, and users have to copy the value."""
    return float(f"{value:.3g}")


def first_target(throughput: float, floor: float, precision: float) -> float:
    """Return the first target: half of Offline's throughput, or a step above ``floor`` if there is one."""
    return _rounded(floor * (1 + precision)) if floor else _rounded(throughput / 2)
