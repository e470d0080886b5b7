"""Serve queries in each scenario: one class per strategy, with ``issue`` and ``flush`` as LoadGen callbacks.

A Python exception in a LoadGen callback would crash the process with a segmentation fault, and LoadGen cannot be
stopped early. So a failing backend ends the process at once, with the reason on standard error (``give_up``).
"""

import os
import queue
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeAlias

import mlperf_loadgen as lg
import numpy as np

from benchloom.errors import EXIT_EXECUTION, LoomError, carried
from benchloom.harness.predictor import Predictor
from benchloom.rules.scenarios import SCENARIOS

# Ids of LoadGen's samples, and their indexes in the data set. Lists are faster than arrays for few numbers.
Batch: TypeAlias = tuple[list[int], list[int]]

_REST = 0.001  # seconds


def give_up(error: BaseException) -> NoReturn:
    """End the process after a failure inside a LoadGen callback, without a traceback for a LoomError."""
    status = carried.end(error, os.environ) if isinstance(error, Exception) else EXIT_EXECUTION
    if not isinstance(error, LoomError):
        sys.stderr.write(f"error: the backend failed while LoadGen was running: {type(error).__name__}: {error}\n")
    sys.stderr.flush()
    os._exit(status)


class Issuer:
    """Serves each query in the thread that LoadGen calls from.

    ``done`` counts samples; ``first`` and ``last`` are monotonic nanoseconds of the first issue and last completion.
    ``cpu_seconds`` is the processor time of all threads of this process while samples were loaded.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        self.predictors = predictors
        self.first = self.last = 0
        self.cpu_seconds = 0.0
        self._responses = [_responses(predictor) for predictor in predictors]
        self._done = [0] * len(predictors)  # separate, since threads may count at the same time

    @property
    def done(self) -> int:
        """Samples completed so far."""
        return sum(self._done)

    @property
    def seconds(self) -> float:
        """Wall time from the first issue to the last completion."""
        return (self.last - self.first) / 1e9

    def issue(self, query: Sequence[Any]) -> None:
        """LoadGen callback: respond to every sample of ``query``."""
        self.first = self.first or time.monotonic_ns()
        try:
            self._issue(query)
        except BaseException as error:  # noqa: BLE001 - see the module's docstring
            give_up(error)

    def _issue(self, query: Sequence[Any]) -> None:
        for ids, indexes in self._batches(query):
            self.serve(0, ids, indexes)

    def _batches(self, query: Sequence[Any]) -> Iterator[Batch]:
        """Yield ids and indexes of equal batches, the same number for each instance, sorted so that they are contiguous if possible."""
        batches = -(-len(query) // self.predictors[0].batch_size)
        batches += -batches % len(self.predictors)
        step = -(-len(query) // batches)
        if len(query) <= step:
            yield [item.id for item in query], [item.index for item in query]
            return
        ids = np.fromiter((item.id for item in query), np.uint64, len(query))
        indexes = np.fromiter((item.index for item in query), np.int64, len(query))
        order = np.argsort(indexes, kind="stable")
        ids, indexes = ids[order], indexes[order]
        for start in range(0, len(ids), step):
            yield ids[start : start + step].tolist(), indexes[start : start + step].tolist()

    def serve(self, instance: int, ids: list[int], indexes: list[int]) -> None:
        """Run one batch on one instance and return the response of each sample, as float32."""
        predictor, responses = self.predictors[instance], self._responses[instance]
        _, sizes = predictor.answers(indexes)
        if responses:
            for response, identity in zip(responses, ids, strict=False):  # long enough for the largest batch
                response.id = identity
            lg.QuerySamplesComplete(responses if len(ids) == len(responses) else responses[: len(ids)])
        else:
            lg.QuerySamplesComplete(_responses_at(predictor.place, ids, sizes))
        self._done[instance] += len(ids)
        self.last = time.monotonic_ns()

    def flush(self) -> None:
        """LoadGen callback: nothing waits."""

    def serve_during(self, test: Callable[[], None]) -> None:
        """Run ``test``, in which LoadGen issues all queries; return when it has ended. Raises what it raises."""
        test()


class ThreadedIssuer(Issuer):
    """Serves from a queue, in a thread for each instance.

    The first instance serves in the calling thread, the main thread of the process, and LoadGen gets a separate one: in
    any other thread OpenMP counts more threads than cores, and stops spinning. PyTorch then takes three times as long
    for a small network.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        super().__init__(predictors)
        self._is_busy = [False] * len(predictors)
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def serve_during(self, test: Callable[[], None]) -> None:
        """Run ``test`` in a separate thread and serve until the queue is empty. Raises what it raises."""
        with ThreadPoolExecutor(len(self.predictors)) as pool:
            loadgen = pool.submit(test)
            loadgen.add_done_callback(lambda _: self._end())
            for instance in range(1, len(self.predictors)):
                pool.submit(self._work, instance)
            self._work(0)
        loadgen.result()

    def _issue(self, query: Sequence[Any]) -> None:
        for batch in self._batches(query):
            self._queue.put(batch)

    def _work(self, instance: int) -> None:
        try:
            while item := self._next():
                self._is_busy[instance] = True
                self.serve(instance, *item)
                self._is_busy[instance] = False
        except BaseException as error:  # noqa: BLE001 - LoadGen would wait forever for the missing responses
            give_up(error)

    def _next(self) -> Batch | None:
        """Wait for the next batch; None at the end."""
        found: Batch | None = self._queue.get()
        return found

    def _end(self) -> None:
        for _ in self.predictors:
            self._queue.put(None)


class SampleQueueIssuer(ThreadedIssuer):
    """Queues single samples and batches those that are waiting: Server.

    While every instance is busy, a new sample can only wait. So LoadGen's thread then sleeps for the estimated time of
    the queue, at most a millisecond, and issues all due samples at once (``server_coalesce_queries``): waking up for
    each takes 5 % of the processor time of a small network. Latency counts from the scheduled time of a query in either
    case.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        super().__init__(predictors)
        self._pace = 0.0  # seconds of a sample in the last batch

    def serve(self, instance: int, ids: list[int], indexes: list[int]) -> None:
        """Run one batch on one instance, and record its speed."""
        start = time.monotonic()
        super().serve(instance, ids, indexes)
        self._pace = (time.monotonic() - start) / len(ids)

    def _issue(self, query: Sequence[Any]) -> None:
        for item in query:
            self._queue.put((item.id, item.index))
        if all(self._is_busy) and (waiting := self._queue.qsize()):
            time.sleep(min(_REST, waiting * self._pace / len(self.predictors)))

    def _next(self) -> Batch | None:
        """Wait for one sample and take all others in the queue; None at the end."""
        item = self._queue.get()
        batch = []
        while item is not None:
            batch.append(item)
            if len(batch) == self.predictors[0].batch_size:
                break
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
        else:
            self._queue.put(None)  # for the other threads, or for the next turn of this one
        if not batch:
            return None
        return [identity for identity, _ in batch], [index for _, index in batch]


def _responses(predictor: Predictor) -> list[Any]:
    """Return response objects for a whole batch, in which only ids change; none if responses differ in size."""
    if predictor.numbers is None:
        return []
    ids = range(predictor.batch_size)
    return _responses_at(predictor.place, ids, [predictor.numbers] * predictor.batch_size)


def _responses_at(place: int, ids: Iterable[int], sizes: Iterable[int]) -> list[Any]:
    """Return a response object for each group of ``sizes`` float32 numbers, stored contiguously at the address ``place``."""
    responses = []
    for identity, size in zip(ids, sizes, strict=True):
        responses.append(lg.QuerySampleResponse(identity, place, 4 * size))
        place += 4 * size
    return responses


def issuer_for(scenario: str, predictors: Sequence[Predictor]) -> Issuer:
    """Return the issuer of a LoadGen scenario with one or more instances of the backend."""
    if SCENARIOS[scenario].arrival == "by rate":
        return SampleQueueIssuer(predictors)
    return Issuer(predictors) if len(predictors) == 1 else ThreadedIssuer(predictors)
