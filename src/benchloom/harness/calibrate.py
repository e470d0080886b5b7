"""Measure the speed of the model on this machine, so that LoadGen generates neither too few nor far too many queries."""

import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchloom.harness.options import Options
from benchloom.harness.predictor import Predictor
from benchloom.rules.scenarios import SCENARIOS

SECONDS = 0.25
WARM_UP = 5


def samples_at_once(scenario: str, batch_size: int) -> int:
    """Return how many samples the backend gets at once in a scenario: one, MultiStream's query, or a full batch."""
    size = SCENARIOS[scenario].samples_per_query
    return batch_size if size is None else min(size, batch_size)


class Speed(NamedTuple):
    """Measured seconds per sample of one instance: the best and the median."""

    best: float
    median: float


def measured_speed(predictors: Sequence[Predictor], options: Options, count: int) -> Speed | None:
    """Warm up every instance, and return its seconds per sample for batches of the scenario.

    The first of ``count`` samples go through each instance for at most a quarter of a second, at least one batch, and
    through the first one again. None if not needed: the user states what to expect (and for Server the batch, too), or
    only the accuracy is measured (but for Server, whose queries have a rate then, too).
    """
    scenario = SCENARIOS[options.scenario]
    stated = options.target_qps if scenario.expects_rate else options.target_latency_ms
    finds_batch = bool(scenario.bound and not options.batch_size)
    is_needed = not stated or finds_batch
    if options.mode == "accuracy" and not (scenario.bound and is_needed):
        return None
    size = samples_at_once(options.scenario, predictors[0].batch_size)
    indexes = [place % count for place in range(size)]
    for predictor in predictors:
        _warm_up(predictor, indexes)
    return _timed(predictors[0], indexes) if is_needed else None


def batch_within(bound: float, seconds: float | None, largest: int) -> int:
    """Return how many samples Server may serve at once: a batch takes at most half of the latency ``bound`` (seconds).

    The other half is for waiting. ``seconds`` is the time of a single sample; ``largest`` is returned if it is unknown.
    """
    return largest if seconds is None else max(1, min(largest, int(bound / 2 / seconds)))


def _warm_up(predictor: Predictor, indexes: Sequence[int]) -> None:
    end = time.perf_counter() + SECONDS
    for _ in range(WARM_UP):
        predictor.answers(indexes)
        if time.perf_counter() > end:
            return


def _timed(predictor: Predictor, indexes: Sequence[int]) -> Speed:
    spent, end = [], time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        predictor.answers(indexes)
        now = time.perf_counter()
        spent.append((now - start) / len(indexes))
        if now > end:
            return Speed(min(spent), statistics.median(spent))
