"""What the harness and LoadGen cost beside the bare backend, side by side in one run.

    .venv/bin/python benchmarks/harness.py [--rounds 3] [--seconds 4] [--json FILE] [PROGRAM[,TAGS]...]

For each program (by default the embedded digits, and ResNet-50 with random weights, on ONNX Runtime) the benchmark runs in
the scenarios Offline and SingleStream, in turn with a bare loop: the same library, file, pre-processed samples and threads, in
a process of its own without LoadGen. Offline is held against the best batch of the bare loop. ``ratio`` is throughput of the
harness by that of the bare loop (Offline: more is better), or median latency by median latency (SingleStream: less is better);
figures are medians over the rounds. The target beside each is the one of the project's performance goals.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ("program:image-classification-onnx", "program:image-classification-onnx,resnet50,random-weights")
BATCHES = (1, 2, 4, 8, 16, 32)
TARGETS = {
    ("Offline", True): 0.98,
    ("Offline", False): 0.90,
    ("SingleStream", True): 1.03,
    ("SingleStream", False): 1.10,
}
LARGE_SECONDS = 0.005  # a model that takes longer for one sample is held to the targets of ResNet-50


@dataclass(frozen=True)
class Row:
    """One line of the table: samples/s for Offline, milliseconds for SingleStream."""

    program: str
    scenario: str
    harness: float
    bare: float
    ratio: float
    target: float
    is_met: bool
    spread: float


def bare_loop(seconds: float) -> None:
    """Run by this file in a process of its own, in the environment of a run: print throughput per batch and latency."""
    import numpy as np

    from benchloom.harness.inputs import load
    from benchloom.harness.options import usable_cores
    from benchloom.harness.sut import open_backend

    inputs = load(os.environ, None)
    backend = open_backend(inputs.backend.name, inputs.model, inputs.model_path, usable_cores(), inputs.device)
    samples = np.ascontiguousarray(inputs.samples)
    largest = min(inputs.model.max_batch or BATCHES[-1], len(samples))
    rates = {}
    for batch in (size for size in BATCHES if size <= largest):
        views = [samples[start : start + batch] for start in range(0, len(samples) - batch + 1, batch)]
        rates[batch] = _throughput(backend, views, batch, seconds / len(BATCHES))
    latencies = []
    end = time.perf_counter() + seconds
    for number in range(10_000_000):
        view = samples[number % len(samples) : number % len(samples) + 1]
        start = time.perf_counter()
        backend.predict(view)
        now = time.perf_counter()
        latencies.append(now - start)
        if now > end:
            break
    print(json.dumps({"samples_per_second": max(rates.values()), "latency": statistics.median(latencies)}))


def _throughput(backend: Any, views: list[Any], batch: int, seconds: float) -> float:
    for view in views[:3]:
        backend.predict(view)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        backend.predict(views[done % len(views)])
        done += 1
    return done * batch / (time.perf_counter() - start)


class Bench:
    """Runs of one program and its bare loop in one home."""

    def __init__(self, home: Path, program: str, seconds: float) -> None:
        self.program, _, tags = program.partition(",")
        self.words = [f"--dep_add_tags.model={tags}"] if tags else []
        self.seconds = seconds
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "LOOM_HOME": str(home)}
        self.record: dict[str, Any] = {}

    def harness(self, scenario: str) -> float:
        """Return samples/s (Offline) or the median latency in seconds (SingleStream) of one run."""
        words = ["run", self.program, *self.words, f"--scenario={scenario}", "--mode=performance", "--json", "--quiet"]
        command = [sys.executable, "-m", "benchloom", *words, f"--duration={self.seconds}"]
        done = subprocess.run(command, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        summary = json.loads(done.stdout)
        self.record = json.loads(Path(summary["record"]).read_text())
        found = summary["results"]["performance"]
        return float(found["samples_per_second"] if scenario == "Offline" else found["latency_ns"]["p50"] / 1e9)

    def bare(self) -> dict[str, float]:
        """Return what the bare loop measured with the files and the interpreter of the last run."""
        facts = Path(self.record["directory"]) / "facts"
        names = {f"LOOM_{path.stem.upper()}": str(path) for path in facts.glob("*.json")}
        command = [self.record["command"][0], str(Path(__file__).resolve()), "--bare", str(self.seconds)]
        done = subprocess.run(
            command, env={**self.environ, **names}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
        )
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


def measure(bench: Bench, rounds: int) -> list[Row]:
    """Alternate harness and bare loop and return both lines of the program."""
    offline, single, rates, latencies = [], [], [], []
    bench.harness("SingleStream")  # prepares samples and warms the disk's cache
    for _ in range(rounds):
        offline.append(bench.harness("Offline"))
        bare = bench.bare()
        single.append(bench.harness("SingleStream"))
        rates.append(bare["samples_per_second"])
        latencies.append(bare["latency"])
    is_large = statistics.median(latencies) > LARGE_SECONDS
    return [
        _row(bench, "Offline", offline, rates, is_large, 1.0),
        _row(bench, "SingleStream", single, latencies, is_large, 1000.0),
    ]


def _row(bench: Bench, scenario: str, ours: list[float], bare: list[float], is_large: bool, unit: float) -> Row:
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    ratio, target = statistics.median(ratios), TARGETS[scenario, is_large]
    return Row(
        program=",".join([bench.program, *(word.partition("=")[2] for word in bench.words)]),
        scenario=scenario,
        harness=statistics.median(ours) * unit,
        bare=statistics.median(bare) * unit,
        ratio=ratio,
        target=target,
        is_met=ratio >= target if scenario == "Offline" else ratio <= target,
        spread=max(ratios) - min(ratios),
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Hold the harness against the bare backend.")
    parser.add_argument("programs", nargs="*", default=DEFAULT, metavar="PROGRAM[,TAGS]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    parser.add_argument("--bare", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare_loop(options.bare)
        return
    with tempfile.TemporaryDirectory() as home:
        rows = [
            row
            for program in options.programs
            for row in measure(Bench(Path(home), program, options.seconds), options.rounds)
        ]
    print(f"{'program':62} {'scenario':13} {'harness':>10} {'bare':>10} {'ratio':>6} {'spread':>7} {'target':>7}")
    for row in rows:
        met = "" if row.is_met else "  missed"
        sign = ">=" if row.scenario == "Offline" else "<="
        print(
            f"{row.program:62} {row.scenario:13} {row.harness:10.3f} {row.bare:10.3f} {row.ratio:6.3f} "
            f"{row.spread:7.3f} {sign}{row.target:.2f}{met}"
        )
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
