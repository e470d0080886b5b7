"""What the harness and LoadGen cost beside the bare backend, side by side in one process.

For each backend, the embedded digits and a ResNet-50 with random weights. A first run prepares the samples and the environment; in it
the bare loop finds its best batch. Then, in fresh processes, LoadGen over the harness and the bare loop take turns of a second with the same
library, network, samples and threads. Figures are throughput by throughput (Offline), median latency by median latency
(SingleStream, MultiStream), and for Server the highest rate that LoadGen calls VALID by the throughput of Offline.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchloom.harness.options import usable_cores
from benchloom.index.read import read_entry
from benchloom.model.measurement import Measurement, alone, at_least, at_most, line, ratio
from benchloom.rules.rulesets import bound_ms
from benchloom.rules.scenarios import SERVER

AREA = "harness"
ROOT = Path(__file__).resolve().parents[1]
CHILD = Path(__file__).resolve().parent / "children" / "serving.py"
SMALL, LARGE, EIGHT = "digits", "resnet50,random-weights,fp32", "resnet50,random-weights,int8"
BACKENDS = ("onnx", "pytorch", "tensorflow", "tflite")
QUERY = 8  # samples of a query of MultiStream
# The project's goals: for the small network, for the large one.
TARGETS = {
    "Offline": (at_least(0.90), at_least(0.98)),
    "SingleStream": (at_most(1.10), at_most(1.03)),
    "MultiStream": (at_least(0.97), at_least(0.97)),
    "Server": (at_least(0.90), at_least(0.85)),
}
LOADS = (0.95, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50)  # parts of Offline's throughput that Server is tried at
ROOM = 15  # times the latency of one sample: a bound that leaves room for waiting


@dataclass(frozen=True)
class Effort:
    """Processes of each scenario, turns in each, and seconds of a turn."""

    rounds: int
    turns: int
    seconds: float


# For the small network and for the large one.
QUICK_EFFORT = (Effort(1, 4, 0.7), Effort(1, 4, 1.0))
FULL_EFFORT = (Effort(3, 4, 0.7), Effort(2, 2, 2.0))
FOR_BATCH, FOR_SERVER = 4.0, 2.0  # seconds of the search for a batch, and of a run of Server


class Bench:
    """One network on one backend, prepared in ``home``."""

    def __init__(self, home: Path, backend: str, model: str, efforts: tuple[Effort, Effort]) -> None:
        self.name = f"{model.partition(',')[0]}{' int8' if 'int8' in model else ''}, {backend}"
        self.is_large = model != SMALL
        self.effort = efforts[self.is_large]
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "LOOM_HOME": str(home)}
        self.python = self._prepare(f"program:image-classification-{backend}", model)
        found = self.child("batch", FOR_BATCH)
        self.batch, self.largest = found["batch"], found["largest"]

    def _prepare(self, program: str, model: str) -> str:
        """Run the program once, keep its facts for the children, and return the interpreter that it ran with."""
        words = [f"--dep_add_tags.model={model}"] if self.is_large else []
        command = [sys.executable, "-m", "benchloom", "run", program, *words, "--mode=performance", "--json", "--quiet"]
        record = json.loads(Path(json.loads(self._called(command))["record"]).read_text(encoding="utf-8"))
        facts = Path(record["directory"]) / "facts"
        self.environ |= {f"LOOM_{path.stem.upper()}": str(path) for path in facts.glob("*.json")}
        return str(record["command"][0])

    def _called(self, command: list[str]) -> str:
        done = subprocess.run(
            command, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        return done.stdout

    def child(self, *words: str | float) -> dict[str, Any]:
        """Return the answer of ``children/serving.py``."""
        answer = self._called([self.python, str(CHILD), *(str(word) for word in words)])
        found: dict[str, Any] = json.loads(answer.splitlines()[-1])
        return found

    def turns(self, scenario: str) -> list[dict[str, Any]]:
        """Return what a process of each round has measured."""
        size = {"SingleStream": 1, "MultiStream": min(self.largest, max(self.batch, QUERY))}.get(scenario, self.batch)
        effort = self.effort
        return [self.child("turns", scenario, size, effort.seconds, effort.turns) for _ in range(effort.rounds)]


def beside_bare_loop(bench: Bench) -> Iterator[Measurement]:
    """Yield the lines of the scenarios in which both can take turns."""
    offline = bench.turns("Offline")
    yield _line(bench, "Offline", f", batch {bench.batch}", "samples/s", [item["pairs"] for item in offline])
    cpu = [_medians(item["cpu_us"]) for item in offline]
    yield _beside(bench, "processor time of a sample, Offline", "us", cpu)
    yield _beside(bench, "peak memory", "MiB", [item["peak_mib"] for item in offline])
    for scenario in ("SingleStream", "MultiStream"):
        pairs = [item["pairs"] for item in bench.turns(scenario)]
        if scenario == "SingleStream":
            yield _line(bench, scenario, "", "us", [[(a / 1e3, b / 1e3) for a, b in item] for item in pairs])
        else:
            rates = [[(QUERY * 1e9 / a, QUERY * 1e9 / b) for a, b in item] for item in pairs]
            yield _line(bench, scenario, "", "samples/s", rates)


def _line(bench: Bench, scenario: str, more: str, unit: str, rounds: list[list[tuple[float, float]]]) -> Measurement:
    """Return the line of one scenario: of each round the median of its turns' ratios."""
    medians = [_medians(pairs) for pairs in rounds]
    return line(
        AREA,
        f"{bench.name}: {scenario}{more}",
        unit,
        ours=[ours for ours, _ in medians],
        against="bare loop",
        others=[bare for _, bare in medians],
        figures=[statistics.median(ours / bare for ours, bare in pairs) for pairs in rounds],
        figure_unit="x",
        bound=TARGETS[scenario][bench.is_large],
    )


def _beside(bench: Bench, what: str, unit: str, rounds: list[tuple[float, float]]) -> Measurement:
    ours, bare = zip(*rounds, strict=True)
    return ratio(AREA, f"{bench.name}: {what}", unit, ours, "bare loop", bare)


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(ours for ours, _ in pairs), statistics.median(bare for _, bare in pairs)


def _bound(name: str, model: str) -> float:
    """Return the latency bound in milliseconds that a ruleset of this repository states for Server."""
    component = read_entry("ruleset", ROOT / "ruleset" / name, ROOT, "benchloom").component
    assert component is not None
    assert component.ruleset is not None
    return bound_ms(component.ruleset, SERVER.name, model) or 0.0


def server(bench: Bench) -> Iterator[Measurement]:
    """Yield the lines of Server, held against Offline with the same instances.

    The small network is served by an instance of one thread for each core, within the bound of the quick ruleset. A large one is served by
    all of them, within MLPerf's bound, and within one that leaves it room.
    """
    if not bench.is_large:
        yield _server_line(bench, usable_cores(), _bound("quick", bench.name))
        return
    single = statistics.median(item / 1e6 for item, _ in bench.child("turns", "SingleStream", 1, 1.0, 2)["pairs"])
    yield alone(AREA, f"{bench.name}: one sample alone", "ms", [single])
    yield _server_line(bench, 1, _bound("mlperf-inference-1.0", "resnet50"))
    yield _server_line(bench, 1, round(ROOM * single), is_target=False)


def _server_line(bench: Bench, instances: int, bound_ms: float, *, is_target: bool = True) -> Measurement:
    rate = bench.child("offline", bench.batch, instances, FOR_SERVER)["rate"]
    rates = [load * rate for load in LOADS]
    place = bench.child("server", bench.batch, instances, bound_ms, FOR_SERVER, *rates)["place"]
    load = 0.0 if place is None else LOADS[place]
    return line(
        AREA,
        f"{bench.name}: Server within {bound_ms:g} ms, instances: {instances}",
        "samples/s",
        ours=[load * rate],
        against="Offline",
        others=[rate],
        figures=[load],
        figure_unit="x",
        bound=TARGETS["Server"][bench.is_large] if is_target else None,
    )


def measure(is_quick: bool) -> Iterator[Measurement]:
    """Measure every backend; quick: only ONNX Runtime, in one round and without Server's search."""
    efforts = QUICK_EFFORT if is_quick else FULL_EFFORT
    with tempfile.TemporaryDirectory() as home:
        for backend in BACKENDS[:1] if is_quick else BACKENDS:
            for model in (SMALL, LARGE, *([EIGHT] if backend == "onnx" and not is_quick else [])):
                bench = Bench(Path(home), backend, model, efforts)
                if model != EIGHT:
                    yield from beside_bare_loop(bench)
                if not is_quick and model != LARGE:
                    yield from server(bench)
