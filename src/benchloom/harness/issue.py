"""How queries are served in each scenario: one class per way, all behind ``issue`` and ``flush``.

A Python exception that leaves a LoadGen callback ends the process with a segmentation fault, and LoadGen cannot be told
to stop early. So a failing backend ends the process at once, with the reason on standard error (``give_up``).
"""

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import mlperf_loadgen as lg
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import EXIT_EXECUTION
from benchloom.harness.predictor import Predictor


def give_up(error: BaseException) -> NoReturn:
    """End the process after a failure inside a LoadGen callback."""
    traceback.print_exception(error, file=sys.stderr)
    sys.stderr.write(f"error: the backend failed while LoadGen was running: {type(error).__name__}: {error}\n")
    sys.stderr.flush()
    os._exit(EXIT_EXECUTION)


class Issuer:
    """Serves each query in the thread that LoadGen calls from: SingleStream, MultiStream and Offline.

    ``done`` counts samples; ``first`` and ``last`` are monotonic nanoseconds of the first issue and last completion.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.done = 0
        self.first = self.last = 0

    def issue(self, query: Sequence[Any]) -> None:
        """LoadGen callback: answer every sample of ``query``, sorted so that batches are contiguous where they can be."""
        self.first = self.first or time.monotonic_ns()
        try:
            self._issue(query)
        except BaseException as error:  # noqa: BLE001 - see the module's docstring
            give_up(error)

    def _issue(self, query: Sequence[Any]) -> None:
        ids = np.fromiter((item.id for item in query), np.uint64, len(query))
        indexes = np.fromiter((item.index for item in query), np.int64, len(query))
        step = self.predictor.batch_size
        if len(query) > step:
            order = np.argsort(indexes, kind="stable")
            ids, indexes = ids[order], indexes[order]
        for start in range(0, len(ids), step):
            self.serve(ids[start : start + step], indexes[start : start + step])

    def serve(self, ids: NDArray[np.uint64], indexes: NDArray[np.int64]) -> None:
        """Answer one batch: the record of each sample, as float32."""
        records, sizes = self.predictor.answers(indexes)
        place = records.ctypes.data
        responses = []
        for identity, size in zip(ids.tolist(), sizes, strict=True):
            responses.append(lg.QuerySampleResponse(identity, place, 4 * size))
            place += 4 * size
        lg.QuerySamplesComplete(responses)
        self.done += len(ids)
        self.last = time.monotonic_ns()

    def flush(self) -> None:
        """LoadGen callback: nothing waits."""

    def close(self) -> None:
        """End what this started."""


class QueueIssuer(Issuer):
    """Serves from a queue in a thread of its own and batches whatever waits: Server."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__(predictor)
        self._queue: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _issue(self, query: Sequence[Any]) -> None:
        for item in query:
            self._queue.put((item.id, item.index))

    def _work(self) -> None:
        try:
            while batch := self._batch():
                self.serve(
                    np.array([item[0] for item in batch], np.uint64), np.array([item[1] for item in batch], np.int64)
                )
        except BaseException as error:  # noqa: BLE001 - LoadGen would wait for ever for what this thread owes
            give_up(error)

    def _batch(self) -> list[tuple[int, int]]:
        """Wait for one sample and take what else is in line; empty at the end."""
        item = self._queue.get()
        batch = []
        while item is not None:
            batch.append(item)
            if len(batch) == self.predictor.batch_size or self._queue.empty():
                return batch
            item = self._queue.get()
        if batch:
            self._queue.put(None)
        return batch

    def close(self) -> None:
        """Let the thread finish what is in line and end."""
        self._queue.put(None)
        self._thread.join()
