"""What ``harness`` measures in the environment of a backend: bare calls, and LoadGen over the harness, in one process.

    PYTHON serving.py batch SECONDS
    PYTHON serving.py turns SCENARIO BATCH SECONDS TURNS
    PYTHON serving.py offline BATCH INSTANCES SECONDS
    PYTHON serving.py server BATCH INSTANCES BOUND_MS SECONDS RATE...

``LOOM_MODEL``, ``LOOM_BACKEND``, ``LOOM_SAMPLES`` and ``LOOM_RULESET`` name the facts of a run. The answer is one line of JSON on standard output.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import numpy as np

from benchloom.harness.backends.seam import Batch, Session
from benchloom.harness.calibrate import measured_speed
from benchloom.harness.inputs import Samples
from benchloom.harness.issue import Issuer
from benchloom.harness.loading import load
from benchloom.harness.logs import read_performance
from benchloom.harness.memory import peak_memory
from benchloom.harness.opening import session_for
from benchloom.harness.options import parse
from benchloom.harness.rulesets import chosen_ruleset
from benchloom.harness.run import run_loadgen
from benchloom.harness.settings import test_settings
from benchloom.harness.tasks.seam import task_of
from benchloom.model.record import Performance
from benchloom.rules.rulesets import DEFAULT_QSL_SIZE
from benchloom.rules.scenarios import MULTI_STREAM

BATCHES = (1, 2, 4, 8, 16, 32, 64)
AS_GOOD = 0.99  # of the best throughput: the smallest batch that reaches it is taken
PROBES = 3  # of one load, of which most must be VALID
FEW = 5  # queries that a turn has at least: LoadGen's verdict is no matter there, its median is


class Bare:
    """The backend by itself: views of the samples, one call after the other."""

    def __init__(self, session: Session, samples: Samples) -> None:
        self.session, self.tensors = session, [np.ascontiguousarray(tensor) for tensor in samples.tensors]

    def _views(self, size: int) -> list[Batch]:
        starts = range(0, len(self.tensors[0]) - size + 1, size)
        return [[tensor[start : start + size] for tensor in self.tensors] for start in starts]

    def throughput(self, size: int, seconds: float) -> tuple[float, float]:
        """Return samples per second and microseconds of processor time a sample, in batches of ``size``."""
        views, done = self._views(size), 0
        self.session.run(views[-1])
        busy, start = time.process_time(), time.perf_counter()
        while (spent := time.perf_counter() - start) < seconds or not done:
            self.session.run(views[done % len(views)])
            done += 1
        return done * size / spent, (time.process_time() - busy) / (done * size) * 1e6

    def latency(self, size: int, seconds: float) -> float:
        """Return the median nanoseconds of a call with ``size`` samples."""
        views, latencies, end = self._views(size), [], time.perf_counter_ns() + int(seconds * 1e9)
        while time.perf_counter_ns() < end or len(latencies) < FEW:
            view = views[len(latencies) % len(views)]
            start = time.perf_counter_ns()
            self.session.run(view)
            latencies.append(time.perf_counter_ns() - start)
        return statistics.median(latencies)


class Harness:
    """The harness as it serves one scenario. LoadGen reads its own settings only once in a process, so make one of these."""

    def __init__(self, scenario: str, batch: int, seconds: float, *words: str) -> None:
        given = (f"--scenario={scenario}", "--mode=performance", f"--batch_size={batch}", f"--duration={seconds}")
        self.options = parse([*given, *words], {})
        self.inputs = load(os.environ, None)
        self.ruleset = chosen_ruleset(os.environ)
        sessions = [session_for(self.inputs, self.options.threads) for _ in range(self.options.instances)]
        task = task_of(self.inputs.model)
        self.predictors = [task.predictor(session, self.inputs, batch) for session in sessions]
        self.bare = Bare(sessions[0], self.inputs.samples)
        spent = measured_speed(self.predictors, self.options, len(self.inputs.samples))
        self.settings = test_settings(self.options, self.ruleset, self.inputs.model.name, spent).test

    def run(self) -> tuple[Issuer, Performance]:
        """Return what LoadGen measured in one run."""
        total = len(self.inputs.samples)
        self.settings.mode = lg.TestMode.PerformanceOnly
        with tempfile.TemporaryDirectory() as place:
            folder, count = Path(place), min(total, DEFAULT_QSL_SIZE)
            issuer = run_loadgen(
                self.settings, self.predictors, total=total, performance_count=count, folder=folder, environ={}
            )
            scenario = self.options.scenario
            return issuer, read_performance(
                folder, scenario, self.ruleset.scenarios[scenario].figure, samples=issuer.done, seconds=issuer.seconds
            )


def batch(seconds: float) -> dict[str, Any]:
    """Find the best batch of the bare loop: every size is tried twice, for ``seconds`` in all, and its best time counts."""
    inputs = load(os.environ, None)
    bare = Bare(session_for(inputs, parse([], {}).threads), inputs.samples)
    largest = min(inputs.model.max_batch or BATCHES[-1], len(inputs.samples))
    sizes = [size for size in BATCHES if size <= largest]
    rates = dict.fromkeys(sizes, 0.0)
    for _ in range(2):
        for size in sizes:
            rates[size] = max(rates[size], bare.throughput(size, seconds / 2 / len(sizes))[0])
    return {"batch": next(size for size in sizes if rates[size] >= AS_GOOD * max(rates.values())), "largest": largest}


def turns(scenario: str, size: int, seconds: float, number: int) -> dict[str, Any]:
    """Return pairs of figures of the harness and the bare loop, which take turns; who begins alternates.

    ``pairs``: samples/s in Offline, else median nanoseconds of a query; ``cpu_us``: processor time a sample, in Offline; ``peak_mib``:
    the largest memory of this process after both have run once, and after the bare loop alone.
    """
    harness = Harness(scenario, size, seconds)
    if scenario != "Offline":
        harness.settings.min_query_count = FEW
    query = {"SingleStream": 1, "MultiStream": MULTI_STREAM.samples_per_query}.get(scenario, size)
    called = min(query, size)
    found: dict[str, Any] = {"pairs": [], "cpu_us": [], "peak_mib": []}

    def ours() -> tuple[float, float]:
        issuer, performance = harness.run()
        cpu = issuer.cpu_seconds / issuer.done * 1e6
        rate = performance.samples_per_second if scenario == "Offline" else performance.latency_ns["p50"]
        return rate, cpu

    def bare() -> tuple[float, float]:
        if scenario == "Offline":
            return harness.bare.throughput(size, seconds)
        return harness.bare.latency(called, seconds) * query / called, 0.0

    peaks = []
    for turn in range(number):
        sides: list[Callable[[], tuple[float, float]]] = [ours, bare] if turn % 2 else [bare, ours]
        figures = {}
        for side in sides:
            figures[side] = side()
            peaks.append((peak_memory() or 0) / 2**20)
        found["pairs"].append((figures[ours][0], figures[bare][0]))
        found["cpu_us"].append((figures[ours][1], figures[bare][1]))
    return {**found, "peak_mib": (peaks[1], peaks[0])}


def offline(size: int, instances: int, seconds: float) -> dict[str, Any]:
    """Return samples/s of LoadGen's Offline scenario, the best of three runs."""
    harness = Harness("Offline", size, seconds, f"--instances={instances}")
    return {"rate": max(harness.run()[1].samples_per_second for _ in range(3))}


def server(size: int, instances: int, bound: float, seconds: float, rates: Sequence[float]) -> dict[str, Any]:
    """Return the place of the highest of the falling ``rates`` (queries/s) that Server sustains within ``bound`` ms, None where it sustains none.

    A rate is sustained where most of three runs are VALID.
    """
    words = (f"--instances={instances}", f"--max_latency_ms={bound}", f"--target_qps={rates[0]}")
    harness = Harness("Server", size, seconds, *words)

    def is_sustained(rate: float) -> bool:
        harness.settings.server_target_qps = rate
        valid = 0
        for attempt in range(1, PROBES + 1):
            valid += harness.run()[1].valid
            if max(valid, attempt - valid) > PROBES // 2:
                break
        return valid > PROBES // 2

    low, high = 0, len(rates)  # rates[:low] are too much, rates[high:] are not
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_sustained(rates[middle]) else (middle + 1, high)
    return {"place": low if low < len(rates) else None}


def main(what: str, *words: str) -> dict[str, Any]:
    """Do one of the four and return its answer."""
    if what == "batch":
        return batch(float(words[0]))
    if what == "turns":
        return turns(words[0], int(words[1]), float(words[2]), int(words[3]))
    size, instances = int(words[0]), int(words[1])
    if what == "offline":
        return offline(size, instances, float(words[2]))
    return server(size, instances, float(words[2]), float(words[3]), [float(rate) for rate in words[4:]])


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
