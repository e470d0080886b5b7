"""What the harness and LoadGen cost beside the bare backend, side by side in one run.

For each backend, the embedded digits and a ResNet-50 with random weights run in every scenario, in turn with a bare loop: the same
library, file, pre-processed samples and threads, in a process of its own without LoadGen. The bare loop tries batch sizes, and the
harness gets the best one. Figures are throughput by throughput (Offline), median latency by median latency (SingleStream,
MultiStream), and for Server the highest target that LoadGen calls VALID by the throughput of Offline.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from table import Row, Target, write

ROOT = Path(__file__).resolve().parents[1]
BATCHES = (1, 2, 4, 8, 16, 32, 64)
QUERY = 8  # samples of a query of MultiStream
SMALL, LARGE, EIGHT = "digits", "resnet50,random-weights,fp32", "resnet50,random-weights,int8"
BACKENDS = ("onnx", "pytorch", "tensorflow", "tflite")
# The project's goals: for the small network, for the large one.
TARGETS = {
    "Offline": (Target(">=", 0.90), Target(">=", 0.98)),
    "SingleStream": (Target("<=", 1.10), Target("<=", 1.03)),
    "MultiStream": (Target(">=", 0.97), Target(">=", 0.97)),
    "Server": (Target(">=", 0.90), Target(">=", 0.85)),
}
# Parts of Offline's throughput that Server is tried at.
LOADS = (0.98, 0.95, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50, 0.30)
ROOM = 15  # times the latency of one sample: a bound that leaves room for waiting


@dataclass(frozen=True)
class Effort:
    """Rounds, seconds of each measurement, and what is measured."""

    rounds: int
    seconds: float
    backends: Sequence[str]


@dataclass(frozen=True)
class Bare:
    """What the bare loop measured: samples/s and microseconds of CPU a sample at the best batch, and median seconds of one sample and of eight."""

    batch: int
    samples_per_second: float
    cpu_us: float
    single: float
    eight: float


def bare_loop(seconds: float, batch: int) -> None:
    """Run by this file in a process of its own, in the environment of a run: print what a ``Bare`` has. ``batch`` 0 tries all sizes."""
    import numpy as np

    from benchloom.harness.inputs import load
    from benchloom.harness.options import usable_cores
    from benchloom.harness.sut import open_backend

    inputs = load(os.environ, None)
    backend = open_backend(inputs.backend.name, inputs.model, inputs.model_path, usable_cores(), inputs.device)
    samples = np.ascontiguousarray(inputs.samples)
    largest = min(inputs.model.max_batch or BATCHES[-1], len(samples))
    sizes = [batch] if batch else [size for size in BATCHES if size <= largest]
    rates = {size: _throughput(backend, samples, size, seconds / len(sizes)) for size in sizes}
    best = max(rates, key=lambda size: rates[size][0])
    eight = min(QUERY, largest)
    print(
        json.dumps(
            {
                "batch": best,
                "samples_per_second": rates[best][0],
                "cpu_us": rates[best][1],
                "single": _latency(backend, samples, 1, seconds / 2),
                "eight": _latency(backend, samples, eight, seconds / 2) * QUERY / eight,
            }
        )
    )


def _views(samples: Any, size: int) -> list[Any]:
    return [samples[start : start + size] for start in range(0, len(samples) - size + 1, size)]


def _throughput(backend: Any, samples: Any, size: int, seconds: float) -> tuple[float, float]:
    views = _views(samples, size)
    for view in views[:2]:
        backend.predict(view)
    done, busy, start = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - start < seconds or done < 2:
        backend.predict(views[done % len(views)])
        done += 1
    return done * size / (time.perf_counter() - start), (time.process_time() - busy) / (done * size) * 1e6


def _latency(backend: Any, samples: Any, size: int, seconds: float) -> float:
    views, latencies, end = _views(samples, size), [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(latencies) < 3:
        view = views[len(latencies) % len(views)]
        start = time.perf_counter()
        backend.predict(view)
        latencies.append(time.perf_counter() - start)
    return statistics.median(latencies)


class Bench:
    """Runs of one program with one model, and its bare loop, in one home."""

    def __init__(self, home: Path, backend: str, model: str, seconds: float) -> None:
        self.name = f"{model.partition(',')[0]}{' int8' if 'int8' in model else ''}, {backend}"
        self.is_large = model != SMALL
        self.program = f"program:image-classification-{backend}"
        self.model, self.seconds, self.batch = model, seconds, 0
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "LOOM_HOME": str(home)}
        self.record: dict[str, Any] = {}
        # Enough for a median; LoadGen calls MultiStream VALID only from 662 queries on, minutes of a large network.
        self.few = home / "few.conf"
        self.few.write_text("*.MultiStream.min_query_count = 30\n", encoding="utf-8")

    def harness(self, scenario: str, **inputs: float) -> dict[str, Any]:
        """Return the results of one run."""
        words = [f"--dep_add_tags.model={self.model}"] if self.is_large else []
        given: dict[str, Any] = {"scenario": scenario, "mode": "performance", "duration": self.seconds, **inputs}
        if self.batch:
            given["batch_size"] = max(self.batch, QUERY) if scenario == "MultiStream" else self.batch
        if scenario == "MultiStream":
            given["user_conf"] = str(self.few)
        command = [sys.executable, "-m", "benchloom", "run", self.program, *words, "--json", "--quiet"]
        command += [f"--{name}={value}" for name, value in given.items()]
        done = subprocess.run(command, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        summary = json.loads(done.stdout)
        self.record = json.loads(Path(summary["record"]).read_text(encoding="utf-8"))
        found: dict[str, Any] = summary["results"]
        return found

    def bare(self) -> Bare:
        """Return what the bare loop measured with the files and the interpreter of the last run; the first call finds the batch."""
        facts = Path(self.record["directory"]) / "facts"
        names = {f"LOOM_{path.stem.upper()}": str(path) for path in facts.glob("*.json")}
        command = [
            self.record["command"][0],
            str(Path(__file__).resolve()),
            "--bare",
            str(self.seconds),
            str(self.batch),
        ]
        done = subprocess.run(
            command, env={**self.environ, **names}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
        )
        found = Bare(**json.loads(done.stdout.splitlines()[-1]))
        self.batch = found.batch
        return found

    def sustained(self, offline: float, **inputs: float) -> float:
        """Return the highest of the loads at which Server is VALID in two runs of at most three; 0 where it is at none."""
        low, high = 0, len(LOADS)  # LOADS[:low] are too much, LOADS[high:] are not
        while low < high:
            middle = (low + high) // 2
            if self._is_valid(LOADS[middle] * offline, inputs):
                high = middle
            else:
                low = middle + 1
        return LOADS[low] * offline if low < len(LOADS) else 0.0

    def _is_valid(self, rate: float, inputs: dict[str, float]) -> bool:
        valid = 0
        for attempt in range(3):
            valid += self.harness("Server", target_qps=rate, **inputs)["performance"]["valid"]
            if valid == 2 or attempt - valid == 1:
                break
        return valid == 2


def rows_of(bench: Bench, rounds: int) -> list[Row]:
    """Alternate harness and bare loop and return the lines of one model on one backend."""
    bench.harness("SingleStream")  # prepares samples and warms the disk's cache
    bench.bare()
    figures: dict[str, list[tuple[float, float]]] = {}
    cpu: list[tuple[float, float]] = []
    memory: list[float] = []
    for _ in range(rounds):
        offline, bare = bench.harness("Offline"), bench.bare()
        single, multi = bench.harness("SingleStream"), bench.harness("MultiStream")
        performance = offline["performance"]
        figures.setdefault("Offline", []).append((performance["samples_per_second"], bare.samples_per_second))
        figures.setdefault("SingleStream", []).append((_p50(single) / 1e6, bare.single * 1e3))
        figures.setdefault("MultiStream", []).append((QUERY / _p50(multi) * 1e9, QUERY / bare.eight))
        cpu.append((performance["cpu_seconds"] / performance["sample_count"] * 1e6, bare.cpu_us))
        memory.append(offline["peak_memory_bytes"] / 2**20)
    rows = [_row(bench, scenario, pairs) for scenario, pairs in figures.items()]
    rows.append(_row(bench, "CPU time a sample, Offline", cpu, unit="us"))
    rows.append(
        Row("harness", f"{bench.name}: peak memory", "MiB", _median(memory), "", None, _median(memory), "MiB", 0.0)
    )
    return rows


def server_rows(bench: Bench) -> list[Row]:
    """Return the lines of Server, held against Offline with the same settings.

    The small network is served by an instance of one thread for each core. A large one is served by all of them, under the bound of
    the benchmark and, where its own time is no small part of that, under one that leaves it room.
    """
    cores = len(os.sched_getaffinity(0))
    if not bench.is_large:
        return [_server_row(bench, "Server", instances=cores, threads=1)]
    single = _p50(bench.harness("SingleStream")) / 1e6
    roomy = round(ROOM * single)
    rows = [_server_row(bench, "Server"), _server_row(bench, f"Server within {roomy} ms", max_latency_ms=roomy)]
    return [*rows, Row("harness", f"{bench.name}: one sample alone", "ms", single, "", None, single, "ms", 0.0)]


def _server_row(bench: Bench, what: str, **inputs: float) -> Row:
    shared = {name: value for name, value in inputs.items() if name != "max_latency_ms"}
    offline = bench.harness("Offline", **shared)["performance"]["samples_per_second"]
    return _row(bench, what, [(bench.sustained(offline, **inputs), offline)], against="Offline")


def _p50(results: dict[str, Any]) -> float:
    return float(results["performance"]["latency_ns"]["p50"])


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def _row(
    bench: Bench, what: str, pairs: Sequence[tuple[float, float]], *, unit: str = "", against: str = "bare loop"
) -> Row:
    ratios = [ours / other for ours, other in pairs]
    return Row(
        area="harness",
        name=f"{bench.name}: {what}" + (f", batch {bench.batch}" if what == "Offline" else ""),
        unit=unit or ("ms" if what == "SingleStream" else "samples/s"),
        ours=_median([ours for ours, _ in pairs]),
        against=against,
        other=_median([other for _, other in pairs]),
        figure=_median(ratios),
        figure_unit="x",
        spread=max(ratios) - min(ratios),
        target=TARGETS[what][bench.is_large] if what in TARGETS else None,
    )


def measure(quick: bool) -> list[Row]:
    """Measure every backend; ``quick`` only ONNX Runtime, in one short round and without Server's search."""
    effort = Effort(1, 1.5, BACKENDS[:1]) if quick else Effort(3, 2.0, BACKENDS)
    return measured(effort, with_server=not quick)


def measured(effort: Effort, *, with_server: bool) -> list[Row]:
    """Return the lines of every backend of ``effort``."""
    rows = []
    with tempfile.TemporaryDirectory() as home:
        for backend in effort.backends:
            for model in (SMALL, LARGE, *([EIGHT] if backend == "onnx" and with_server else [])):
                bench = Bench(Path(home), backend, model, effort.seconds)
                print(f"measuring: {bench.name}", file=sys.stderr, flush=True)
                rows += rows_of(bench, effort.rounds)
                if with_server and model != LARGE:
                    rows += server_rows(bench)
    return rows


def main() -> None:
    """Measure some backends by hand, or be the bare loop."""
    parser = argparse.ArgumentParser(description="Hold the harness against the bare backend.")
    parser.add_argument("--backends", default=",".join(BACKENDS), help="comma-separated (default: all four)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--server", action="store_true", help="search the rate that Server sustains, too")
    parser.add_argument("--json", metavar="FILE", default="", help="write the rows there too")
    parser.add_argument("--bare", nargs=2, type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare_loop(options.bare[0], int(options.bare[1]))
        return
    effort = Effort(options.rounds, options.seconds, options.backends.split(","))
    write(measured(effort, with_server=options.server), options.json)


if __name__ == "__main__":
    main()
