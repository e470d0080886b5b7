"""How much time the engine itself takes, beside bare Python and ``ck``, on equal work in one run.

    .venv/bin/python benchmarks/engine.py [--rounds 15] [--json FILE]

Every command is a fresh process; the commands alternate, so that a busy moment hits all alike. Figures are wall
milliseconds; ``over Python`` is the median less the median of ``python -c pass``, ``ratio`` the quotient of medians. The
home, the repositories of ck and the index are in a temporary folder; the first round is a warm-up and not counted.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAMP = "import sys, time; open(sys.argv[1], 'a').write(f'{time.time_ns()}\\n')"
TARGET = "program:image-classification-onnx"


@dataclass(frozen=True)
class Row:
    """One line of the table; times in milliseconds."""

    name: str
    median: float
    minimum: float
    maximum: float
    over_python: float
    ratio: float


def make_noop(folder: Path) -> Path:
    """Make a repository with a program that only writes down when it started."""
    entry = folder / "program" / "noop" / ".cm"
    entry.mkdir(parents=True)
    meta = {
        "tags": ["program", "noop", "benchmark"],
        "program": "yes",
        "run_cmds": {
            "default": {"run_time": {"run_cmd_main": "$<<LOOM_PYTHON>>$ $<<LOOM_COMPONENT>>$/stamp.py stamp"}}
        },
    }
    (entry / "meta.json").write_text(json.dumps(meta))
    (entry.parent / "stamp.py").write_text(STAMP)
    return folder


class Bench:
    """The commands, each a function that runs once and returns its figure in milliseconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **{name: text for name, text in os.environ.items() if not name.startswith(("LOOM_", "CK_", "PYTHON"))},
            "PYTHONPATH": str(ROOT / "src"),
            "LOOM_HOME": str(folder / "loom"),
            "CK_REPOS": str(folder / "ck"),
            "CK_LOCAL_REPO": str(folder / "ck" / "local"),
            "HOME": str(folder),
        }
        self.loom = [sys.executable, "-m", "benchloom"]
        self.call([*self.loom, "repo", "add", str(make_noop(folder / "noop"))])

    def call(self, words: list[str]) -> float:
        """Run a command to its end and return its wall time."""
        start = time.perf_counter()
        subprocess.run(
            words, env=self.environ, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
        return (time.perf_counter() - start) * 1000

    def run_noop(self) -> tuple[float, float]:
        """Run the empty program: milliseconds before it starts, and after its start until loom has ended."""
        shutil.rmtree(self.folder / "loom" / "runs", ignore_errors=True)
        start = time.time_ns()
        self.call([*self.loom, "run", "program:noop", "--quiet"])
        end = time.time_ns()
        stamp = int(next((self.folder / "loom" / "runs").glob("*/stamp")).read_text().split()[-1])
        return (stamp - start) / 1e6, (end - stamp) / 1e6

    def commands(self) -> dict[str, Callable[[], float]]:
        """Return the plain commands by name."""
        find = ["package", "--tags=model,onnx"]
        found: dict[str, Callable[[], float]] = {
            "python -c pass": lambda: self.call([sys.executable, "-c", "pass"]),
            "loom --help": lambda: self.call([*self.loom, "--help"]),
            "loom find package --tags=model,onnx": lambda: self.call([*self.loom, "find", *find]),
            f"loom plan {TARGET} (warm)": lambda: self.call([*self.loom, "plan", TARGET]),
        }
        ck = Path(sys.executable).parent / "ck"
        if ck.exists():
            (self.folder / "ck" / "local").mkdir(parents=True)
            self.call([str(ck), "add", "repo:benchloom", f"--path={ROOT}", "--quiet"])
            found["ck version"] = lambda: self.call([str(ck), "version"])
            found["ck search package --tags=model,onnx"] = lambda: self.call([str(ck), "search", *find])
            inputs = {"mode": "accuracy", "count": "20"}
            by_loom = [*self.loom, "run", TARGET, *(f"--{name}={value}" for name, value in inputs.items())]
            by_ck = [f"--env.LOOM_INPUT_{name.upper()}={value}" for name, value in inputs.items()]
            found[f"loom run {TARGET}, 20 images"] = lambda: self.call(by_loom)
            found[f"ck run {TARGET}, 20 images"] = lambda: self.call([str(ck), "run", TARGET, "--quiet", *by_ck])
        return found


def measure(bench: Bench, rounds: int) -> dict[str, list[float]]:
    """Run everything once per round, in turn, and return the figures without the first round's."""
    figures: dict[str, list[float]] = {}
    commands = bench.commands()
    for number in range(rounds + 1):
        before, after = bench.run_noop()
        values = {name: command() for name, command in commands.items()}
        values["loom run: until the program starts"] = before
        values["loom run: from the program's start to the end"] = after
        if number:
            for name, value in values.items():
                figures.setdefault(name, []).append(value)
    return figures


def rows_of(figures: dict[str, list[float]]) -> list[Row]:
    """Return the table; bare Python is the yardstick."""
    base = statistics.median(figures["python -c pass"])
    medians = {name: statistics.median(values) for name, values in figures.items()}
    return [
        Row(name, medians[name], min(values), max(values), medians[name] - base, medians[name] / base)
        for name, values in figures.items()
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Time the engine beside bare Python and ck.")
    parser.add_argument("--rounds", type=int, default=15, help="counted rounds (default 15)")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(measure(Bench(Path(folder)), options.rounds))
    print(f"{'milliseconds':62} {'median':>8} {'min':>8} {'max':>8} {'over Python':>12} {'ratio':>7}")
    for row in rows:
        print(
            f"{row.name:62} {row.median:8.1f} {row.minimum:8.1f} {row.maximum:8.1f} {row.over_python:12.1f} {row.ratio:7.1f}"
        )
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
