"""How queries are served in each scenario: one class per way, all behind ``issue`` and ``flush``.

A Python exception that leaves a LoadGen callback ends the process with a segmentation fault, so every callback catches:
the first error is kept in ``failure``, what is outstanding is completed empty, and the caller raises it afterwards.
"""

import queue
import threading
from collections.abc import Sequence
from typing import Any

import mlperf_loadgen as lg
import numpy as np
from numpy.typing import NDArray

from benchloom.harness.predictor import Predictor


class Issuer:
    """Serves each query in the thread that LoadGen calls from: SingleStream, MultiStream and Offline."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.failure: BaseException | None = None
        self.done = 0

    def issue(self, query: Sequence[Any]) -> None:
        """LoadGen callback: answer every sample of ``query``, sorted so that batches are contiguous where they can be."""
        ids = np.fromiter((item.id for item in query), np.uint64, len(query))
        indexes = np.fromiter((item.index for item in query), np.int64, len(query))
        if len(query) > self.predictor.batch_size:
            order = np.argsort(indexes, kind="stable")
            ids, indexes = ids[order], indexes[order]
        step = self.predictor.batch_size
        for start in range(0, len(ids), step):
            self.serve(ids[start : start + step], indexes[start : start + step])

    def serve(self, ids: NDArray[np.uint64], indexes: NDArray[np.int64]) -> None:
        """Answer one batch."""
        labels = np.zeros(len(ids), np.float32)
        if self.failure is None:
            try:
                labels = self.predictor.labels(indexes)
            except Exception as error:  # noqa: BLE001 - see the module's docstring
                self.failure = error
        base = labels.ctypes.data
        lg.QuerySamplesComplete([lg.QuerySampleResponse(int(ids[i]), base + 4 * i, 4) for i in range(len(ids))])
        self.done += len(ids)

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

    def issue(self, query: Sequence[Any]) -> None:
        """LoadGen callback: put the query's samples in line."""
        for item in query:
            self._queue.put((item.id, item.index))

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            while len(batch) < self.predictor.batch_size:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    self._queue.put(None)
                    break
                batch.append(item)
            self.serve(
                np.array([item[0] for item in batch], np.uint64), np.array([item[1] for item in batch], np.int64)
            )

    def close(self) -> None:
        """Let the thread finish what is in line and end."""
        self._queue.put(None)
        self._thread.join()
