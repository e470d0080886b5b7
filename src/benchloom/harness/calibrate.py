"""How fast this model is on this machine, so that LoadGen prepares neither too few queries nor far too many."""

import time
from dataclasses import dataclass

import numpy as np

from benchloom.harness.predictor import Predictor

SECONDS = 0.25
WARM_UP = 5


@dataclass(frozen=True)
class Speed:
    """The best seconds seen for one batch of each size: one sample, eight (MultiStream's query), a full batch."""

    single: float
    eight: float
    batch: float
    batch_size: int

    @property
    def samples_per_second(self) -> float:
        """Throughput in full batches."""
        return self.batch_size / self.batch


def measure(predictor: Predictor, count: int) -> Speed:
    """Run each kind of batch for a quarter of a second after a warm-up, over the first of ``count`` samples."""
    size = predictor.batch_size
    return Speed(
        single=_best(predictor, 1, count),
        eight=_best(predictor, min(8, size), count) * (8 / min(8, size)),
        batch=_best(predictor, size, count),
        batch_size=size,
    )


def _best(predictor: Predictor, size: int, count: int) -> float:
    indexes = np.arange(size, dtype=np.int64) % count
    for _ in range(WARM_UP):
        predictor.answers(indexes)
    best, end = float("inf"), time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        predictor.answers(indexes)
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end:
            return best
