"""How the engine grows: index, search and plan over 1,000 to 100,000 generated components, and hard graphs to resolve.

Every figure is of a fresh process, repositories and homes lie in a temporary folder. ``exponent`` is
log(t2 / t1) / log(n2 / n1) between two sizes: 1 is in step with the size, 2 its square. Start-up counts, so small sizes
flatter it. Conflicts must end with exit code 3 and an explanation, in bounded time.
"""

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchloom.model.measurement import Bound, Measurement, alone, at_most, line, ratio

ROOT = Path(__file__).resolve().parents[1]
MEASURED = Path(__file__).resolve().parent / "children" / "measured.py"
AREA = "scale"
SIZES = (1_000, 10_000, 100_000)
FAMILY = 10  # components that need each other in a row
FIND = ("package", "--tags=scale,f17")
PLAN = "script:s179"
GROWTH = at_most(1.2)
PACKAGE_UID = "1dc07ee0f4742028"  # of the kind, as ck ships it
EXPLAINED = 3  # exit code of a resolution that ended with a conflict


@dataclass(frozen=True)
class Sample:
    """One process: wall milliseconds, largest resident memory in MiB, exit code, what it said."""

    ms: float
    mib: float
    code: int
    said: str


@dataclass
class Curve:
    """What one thing takes at growing sizes; ``name`` and ``beside`` have a place for the size."""

    name: str
    beside: str
    unit: str
    bound: Bound
    size: int = 0
    figures: Sequence[float] = ()

    def grown(self, size: int, figures: Sequence[float]) -> Measurement:
        """Return the line of the next size: its exponent beside the size before, or, of the first, what it takes."""
        name, below, earlier = self.name.format(f"{size:,}"), self.size, self.figures
        self.size, self.figures = size, figures
        if not earlier:
            return alone(AREA, name, self.unit, figures)
        small = statistics.median(earlier)
        return line(
            AREA,
            name,
            self.unit,
            ours=figures,
            against=self.beside.format(f"{below:,}"),
            others=earlier,
            figures=[math.log(large / small) / math.log(size / below) for large in figures],
            figure_unit="exponent",
            bound=self.bound,
        )


class Trial:
    """A generated repository with a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home = folder / "repository", folder / "home"
        self.root.mkdir(parents=True)
        self.home.mkdir()
        (self.home / "repositories.json").write_text(json.dumps([{"alias": "scale", "path": str(self.root)}]))
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("LOOM_", "CK_", "PYTHON"))}
        self.environ = {
            **kept,
            "PYTHONPATH": str(ROOT / "src"),
            "LOOM_HOME": str(self.home),
            "CK_REPOS": str(folder / "ck"),
            "CK_LOCAL_REPO": str(folder / "ck" / "local"),
            "HOME": str(folder),
        }

    def loom(self, *words: str, expected: int = 0) -> Sample:
        """Run ``loom WORDS``."""
        return self.call([sys.executable, "-m", "benchloom", *words], expected)

    def call(self, words: Sequence[str], expected: int = 0) -> Sample:
        """Run a command; RuntimeError where its exit code is not the ``expected`` one."""
        file = self.home.parent / "measured.json"
        done = subprocess.run(
            [sys.executable, "-S", "-E", str(MEASURED), str(file), *words],
            env=self.environ,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
        sample = Sample(**json.loads(file.read_text(encoding="utf-8")), said=done.stderr)
        if sample.code != expected:
            raise RuntimeError(f"{' '.join(words)} ended with {sample.code}: {sample.said}")
        return sample

    def names(self, words: Sequence[str]) -> set[str]:
        """Return the aliases of the components that a command lists."""
        done = subprocess.run(words, env=self.environ, cwd=self.root, capture_output=True, text=True, check=True)
        return {line.split()[0].rpartition(":")[2] for line in done.stdout.splitlines() if ":" in line}

    def cold(self) -> Sample:
        """Run ``loom find`` without a persisted index."""
        shutil.rmtree(self.home / "index", ignore_errors=True)
        return self.loom("find", *FIND)

    def rounds(self, number: int, *words: str) -> list[Sample]:
        """Run ``loom WORDS`` once for the index and then ``number`` times."""
        self.loom(*words)
        return [self.loom(*words) for _ in range(number)]

    def package(self, alias: str, tags: str, deps: dict[str, Any] | None = None, versions: Sequence[str] = ()) -> None:
        """Write a package in CK's form."""
        meta: dict[str, Any] = {"tags": tags.split(","), "summary": f"Package {alias}", "licence": "Apache-2.0"}
        meta["fetch"] = [{"path": "data.txt", "digest": f"sha256:{'0' * 64}"}]
        meta |= {"deps": deps or {}, "versions": [{"version": version} for version in versions]}
        self.write(f"package/{alias}", meta)

    def program(self, deps: dict[str, Any]) -> None:
        """Write the program ``top``."""
        commands = {"default": {"run_time": {"run_cmd_main": "true"}}}
        self.write("program/top", {"tags": ["program", "top"], "run_deps": deps, "run_cmds": commands})

    def write(self, entry: str, meta: dict[str, Any]) -> None:
        """Write the metadata file of an entry."""
        place = f"{self.root}/{entry}/.cm"
        os.makedirs(place)
        with open(f"{place}/meta.json", "w", encoding="utf-8") as out:
            json.dump(meta, out)

    def script(self, alias: str, tags: str, deps: Sequence[str]) -> None:
        """Write a script in CM's form."""
        place = f"{self.root}/script/{alias}"
        os.makedirs(place)
        lines = [f"alias: {alias}", f"tags: [{tags}]", f"summary: Script {alias}", "licence: Apache-2.0", "deps:"]
        lines += [f"- {{tags: '{need}', names: ['{need.rpartition(',')[2]}']}}" for need in deps]
        lines += ["variations:", "  fast: {group: speed, default: true, env: {SPEED: fast}}"]
        with open(f"{place}/_cm.yaml", "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")


def components(trial: Trial, count: int) -> None:
    """Write ``count`` components, one in ten a script; each of a family needs the one before it."""
    for number in range(count):
        family, place = divmod(number, FAMILY)
        tags = f"scale,f{family},n{number}"
        below = f"scale,f{family},n{number - 1}"
        if place == FAMILY - 1:
            trial.script(f"s{number}", tags, [below])
        else:
            # One role for each: needs of one role in a plan are one need, and would be in conflict.
            deps = {f"n{number - 1}": {"tags": below}} if place else {}
            trial.package(f"p{number}", tags, deps, ["1.0", "1.1"])


def for_ck(trial: Trial) -> None:
    """Add what ck needs beside the metadata: the repository's identity, uids and alias files."""
    names = {
        "data_alias": "scale",
        "data_uoa": "scale",
        "data_name": "scale",
        "data_uid": "00000000000000cc",
        "dict": {},
    }
    (trial.root / ".ckr.json").write_text(json.dumps(names))
    kinds, aliases = trial.root / ".cm", trial.root / "package" / ".cm"
    kinds.mkdir()
    aliases.mkdir()
    (kinds / "alias-a-package").write_text(f"{PACKAGE_UID}\n")
    (kinds / f"alias-u-{PACKAGE_UID}").write_text("package\n")
    for number, folder in enumerate(path for path in (trial.root / "package").iterdir() if path != aliases):
        uid = f"{number:016x}"
        (folder / ".cm" / "info.json").write_text(json.dumps({"backup_data_uid": uid, "data_name": folder.name}))
        (aliases / f"alias-a-{folder.name}").write_text(f"{uid}\n")
        (aliases / f"alias-u-{uid}").write_text(f"{folder.name}\n")


def layers(trial: Trial, count: int) -> None:
    """Write a graph of ``count`` scripts in layers of ten; each needs three of the layer below, all a tool."""
    for number in range(count):
        layer, place = divmod(number, 10)
        below = [f"graph,l{layer - 1}-{(place + 3 * step) % 10}" for step in range(3)] if layer else []
        trial.script(f"l{layer}-{place}", f"graph,l{layer}-{place}", [*below, "graph,tool"])
    trial.package("tool", "graph,tool", versions=[f"1.{minor}" for minor in range(9)])
    last = count // 10 - 1
    trial.program({f"l{place}": {"tags": f"graph,l{last}-{place}"} for place in range(10)})


def row(trial: Trial, count: int) -> None:
    """Write packages of which each needs the next."""
    for number in range(count):
        deps = {f"r{number + 1}": {"tags": f"row,f{number + 1}"}} if number < count - 1 else {}
        trial.package(f"f{number}", f"row,f{number}", deps)
    trial.program({"r0": {"tags": "row,f0"}})


def late_conflict(trial: Trial, count: int) -> None:
    """Like ``row`` with ten versions each, of which the last wants an older tool than the program."""
    versions = [f"1.{minor}" for minor in range(10)]
    for number in range(count):
        needs = {f"r{number + 1}": {"tags": f"late,f{number + 1}"}} if number < count - 1 else {}
        needs |= {} if needs else {"tool": {"tags": "late,tool", "version_to": [1, 9]}}
        trial.package(f"f{number}", f"late,f{number}", needs, versions)
    trial.package("tool", "late,tool", versions=["1.0", "2.0"])
    trial.program({"r0": {"tags": "late,f0"}, "tool": {"tags": "late,tool", "version_from": [2, 0]}})


def pigeonhole(trial: Trial, count: int) -> None:
    """Write ``count`` roles of which each takes one of ``count - 1`` holes for itself, whichever: there is no way."""
    for hole in range(count - 1):
        trial.package(f"hole{hole}", f"pigeon,hole{hole}", versions=[f"{bird}.0" for bird in range(count)])
        for bird in range(count):
            need = {"tags": f"pigeon,hole{hole}", "version_from": [bird, 0], "version_to": [bird, 0]}
            trial.package(f"bird{bird}-{hole}", f"pigeon,bird{bird}", {f"hole{hole}": need})
    trial.program({f"bird{bird}": {"tags": f"pigeon,bird{bird}"} for bird in range(count)})


def growth(sizes: Sequence[int], rounds: int, folder: Path) -> Iterator[Measurement]:
    """Yield the lines about the index: cold and warm times and memory, each size held against the one below."""
    curves: dict[tuple[str, str], Curve] = {}

    def grown(name: str, unit: str, size: int, figures: list[float]) -> Measurement:
        curve = curves.setdefault((name, unit), Curve(f"{name}, {{}} components", "{} components", unit, GROWTH))
        return curve.grown(size, figures)

    for size in sizes:
        trial = Trial(folder / str(size))
        components(trial, size)
        colds = [trial.cold() for _ in range(1 if size == SIZES[-1] else rounds)]
        yield grown("cold index and loom find", "ms", size, [item.ms for item in colds])
        yield grown("cold index", "MiB", size, [item.mib for item in colds])
        yield grown("warm loom find", "ms", size, [item.ms for item in trial.rounds(rounds, "find", *FIND)])
        plans = trial.rounds(rounds, "plan", PLAN)
        yield grown("warm loom plan", "ms", size, [item.ms for item in plans])
        yield grown("warm loom plan", "MiB", size, [item.mib for item in plans])


def graphs(rounds: int, folder: Path) -> Iterator[Measurement]:
    """Yield the lines about plans of 100 and 400 nodes."""
    kinds: dict[str, Callable[[Trial, int], None]] = {"scripts in layers": layers, "packages in a row": row}
    for name, write in kinds.items():
        curve = Curve(f"plan of {{}} {name}", f"{{}} {name}", "ms", at_most(2))
        for size in (100, 400):
            trial = Trial(folder / f"{write.__name__}{size}")
            write(trial, size)
            yield curve.grown(size, [item.ms for item in trial.rounds(rounds, "plan", "program:top")])


def conflicts(birds: Sequence[int], folder: Path) -> Iterator[Measurement]:
    """Yield the lines about graphs without a solution."""
    cases: list[tuple[str, Callable[[Trial, int], None], int, float]] = [
        ("no solution: 100 packages of 10 versions in a row, the last in conflict", late_conflict, 100, 1_000),
        *((f"no solution: {count} roles for {count - 1} places", pigeonhole, count, 10_000) for count in birds),
    ]
    for name, write, size, bound in cases:
        trial = Trial(folder / f"{write.__name__}{size}")
        write(trial, size)
        sample = trial.loom("plan", "program:top", expected=EXPLAINED)
        if "why:" not in sample.said:
            raise RuntimeError(f"{name} is not explained: {sample.said}")
        yield alone(AREA, name, "ms", [sample.ms], at_most(bound))


def beside_ck(size: int, rounds: int, folder: Path) -> Iterator[Measurement]:
    """Hold a warm search of ours against one of ck's, in one repository; no line where ck cannot be had."""
    ck = Path(sys.executable).parent / "ck"
    if sys.version_info >= (3, 12) or not ck.exists():
        warnings.warn("without ck: it is not installed, or this Python is too new for it", stacklevel=1)
        return
    trial = Trial(folder / "ck")
    components(trial, size)
    for_ck(trial)
    Path(trial.environ["CK_LOCAL_REPO"]).mkdir(parents=True)
    trial.call([str(ck), "add", "repo:scale", f"--path={trial.root}", "--quiet"])
    search = [str(ck), "search", *FIND]
    if trial.names(search) != trial.names([sys.executable, "-m", "benchloom", "find", *FIND]):
        raise RuntimeError("loom find and ck search give different answers")
    pairs = [(trial.loom("find", *FIND), trial.call(search)) for _ in range(rounds + 1)][1:]
    ours, theirs = ([pair[place].ms for pair in pairs] for place in (0, 1))
    yield ratio(AREA, f"warm loom find among {size:,} components", "ms", ours, "ck search", theirs, at_most(1))


def measure(is_quick: bool) -> Iterator[Measurement]:
    """Yield the lines; about 30 seconds where ``is_quick``, 4 minutes otherwise."""
    rounds = 3 if is_quick else 5
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        yield from growth(SIZES[: 2 if is_quick else 3], rounds, folder)
        if not is_quick:
            yield from beside_ck(10_000, rounds, folder)
        yield from graphs(rounds, folder)
        yield from conflicts((7,) if is_quick else (8, 20), folder)
