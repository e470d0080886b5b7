"""How much time the engine itself takes, beside bare Python, ``ck`` and ``cm``, on equal work in one run.

Every command is a fresh process; the commands alternate, so that a busy moment hits all alike. Homes, stores, indexes and
the repositories of the peers are in a temporary folder; the first round is a warm-up and not counted.

Searches and installations of one script are held against peers without a target: in a small repository they tell which
libraries a command imports, not how well it works (``scale`` has large ones). A peer is left out, with a warning, where it
cannot be had: ``ck`` needs Python below 3.12, and ``cm run script`` needs CM's automation for scripts, which is no part of cmind
but of cmx4mlops (the extra `cm` has both).
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchloom.model.measurement import Measurement, alone, at_most, line, ratio

ROOT = Path(__file__).resolve().parents[1]
AREA = "engine"
TARGET = "program:image-classification-onnx"
FIND = ("package", "--tags=model,onnx")
SCRIPT = "--tags=benchmark,noop"
PROGRAM = """import sys, time
with open(sys.argv[1], "w") as out:
    out.write(f"{time.time_ns()}\\n")
    out.flush()
    out.write(f"{time.time_ns()}\\n")
"""
AUTOMATIONS = ("script", "cache", "utils")  # of CM: what running a script takes

Sample = dict[str, float]
Command = Callable[[], Sample]


class PeerMissingError(Exception):
    """A peer cannot be had here; the message says why."""


class Bench:
    """The commands; each runs once and returns its figures in milliseconds by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **{
                name: text
                for name, text in os.environ.items()
                if not name.startswith(("LOOM_", "CK_", "CM_", "PYTHON"))
            },
            "PYTHONPATH": str(ROOT / "src"),
            "LOOM_HOME": str(folder / "loom"),
            "CK_REPOS": str(folder / "ck"),
            "CK_LOCAL_REPO": str(folder / "ck" / "local"),
            "CM_REPOS": str(folder / "cm"),
            "HOME": str(folder),
            "BENCHMARK_PYTHON": sys.executable,
        }
        self.call(self.loom("repo", "add", str(make_repository(folder / "noop"))))

    def loom(self, *words: str) -> list[str]:
        """Return the command line of ``loom WORDS``."""
        return [sys.executable, "-m", "benchloom", *words]

    def peer(self, name: str, *words: str) -> list[str]:
        """Return the command line of a peer. Raises PeerMissingError where it is not beside this interpreter."""
        path = Path(sys.executable).parent / name
        if not path.exists():
            raise PeerMissingError(f"{name} is not installed")
        return [str(path), *words]

    def call(self, words: Sequence[str]) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            words,
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def timed(self, name: str, words: Sequence[str]) -> Command:
        """Return a command whose figure is its wall time."""

        def run() -> Sample:
            start = time.perf_counter()
            self.call(words)
            return {name: (time.perf_counter() - start) * 1000}

        return run

    def after_emptying(self, folder: Path, command: Command) -> Command:
        """Return ``command`` preceded by the removal of ``folder``, which is not timed."""

        def run() -> Sample:
            shutil.rmtree(folder, ignore_errors=True)
            return command()

        return run

    def run_noop(self) -> Sample:
        """Run the empty program: until its first statement, and from its last one until loom has ended."""
        runs = self.folder / "loom" / "runs"
        shutil.rmtree(runs, ignore_errors=True)
        start = time.time_ns()
        self.call(self.loom("run", "program:noop", "--quiet"))
        end = time.time_ns()
        begun, done = (int(text) for text in next(runs.glob("*/stamps")).read_text().split())
        return {"before": (begun - start) / 1e6, "after": (end - done) / 1e6}

    def own(self) -> list[Command]:
        """Return what is held against bare Python."""
        return [
            self.timed("python", [sys.executable, "-c", "pass"]),
            self.timed("find", self.loom("find", *FIND)),
            self.timed("show", self.loom("show", TARGET)),
            self.timed("plan", self.loom("plan", TARGET)),
            self.run_noop,
        ]

    def ck(self) -> tuple[list[Command], list[Command]]:
        """Return what is held against ck: short commands and long ones. Raises PeerMissingError."""
        if sys.version_info >= (3, 12):
            raise PeerMissingError("ck 2.6.4 imports modules that Python 3.12 dropped")
        search = self.peer("ck", "search", *FIND)
        (self.folder / "ck" / "local").mkdir(parents=True)
        self.call(self.peer("ck", "add", "repo:benchloom", f"--path={ROOT}", "--quiet"))
        refuse_different_answers(self.call(self.loom("find", *FIND)), self.call(search))
        inputs = {"mode": "accuracy", "count": "20"}
        by_loom = [f"--{name}={value}" for name, value in inputs.items()]
        by_ck = [f"--env.LOOM_INPUT_{name.upper()}={value}" for name, value in inputs.items()]
        return [self.timed("ck search", search)], [
            self.timed("run", self.loom("run", TARGET, *by_loom)),
            self.timed("ck run", self.peer("ck", "run", TARGET, "--quiet", *by_ck)),
        ]

    def cm(self) -> list[Command]:
        """Return what is held against cm, over the same repositories. Raises PeerMissingError."""
        find, run = self.peer("cm", "find", "script", SCRIPT), self.peer("cm", "run", "script", SCRIPT, "--quiet")
        add_automations(self.folder / "noop" / "automation")
        for name, path in {"benchloom": ROOT, "noop": self.folder / "noop"}.items():
            self.call(self.peer("cm", "add", "repo", name, f"--path={path}", "--quiet"))
        self.call(run)
        if self.call(find).strip() != str(self.folder / "noop" / "script" / "noop"):
            raise PeerMissingError("cm does not find the script")
        again = self.timed("first install", self.loom("install", "script", SCRIPT, "--quiet"))
        return [
            self.timed("find script", self.loom("find", "script", SCRIPT)),
            self.timed("cm find", find),
            self.after_emptying(self.folder / "loom" / "store", again),
            self.timed("cm first run", [*run, "--new"]),
            self.timed("install", self.loom("install", "script", SCRIPT, "--quiet")),
            self.timed("cm run", run),
        ]


def make_repository(folder: Path) -> Path:
    """Make a repository with a program that notes when it starts and ends, and a script that both loom and cm can run."""
    command = "$<<LOOM_PYTHON>>$ $<<LOOM_COMPONENT>>$/stamp.py stamps"
    meta = {
        "tags": ["program", "noop", "benchmark"],
        "program": "yes",
        "run_cmds": {"default": {"run_time": {"run_cmd_main": command}}},
    }
    program, script = folder / "program" / "noop", folder / "script" / "noop"
    (program / ".cm").mkdir(parents=True)
    (program / ".cm" / "meta.json").write_text(json.dumps(meta))
    (program / "stamp.py").write_text(PROGRAM)
    script.mkdir(parents=True)
    identity = 'alias: noop\nuid: "00000000000000ab"\nautomation_alias: script\nautomation_uid: "5b4e0237da074764"\n'
    (script / "_cm.yaml").write_text(f"{identity}cache: true\ntags: [benchmark, noop]\ninstall:\n  script: make.py\n")
    (script / "make.py").write_text('open("made", "w").write("made")\n')
    (script / "run.sh").write_text('"$BENCHMARK_PYTHON" "$CM_TMP_CURRENT_SCRIPT_PATH/make.py"\n')
    (folder / "cmr.yaml").write_text('alias: noop\nuid: "00000000000000aa"\ngit: true\n')
    return folder


def add_automations(folder: Path) -> None:
    """Copy CM's automations that run scripts from where cmx4mlops is installed. Raises PeerMissingError."""
    found = importlib.util.find_spec("cmx4mlops")
    if found is None or found.origin is None:
        raise PeerMissingError("CM's automation for scripts is missing: pip install cmx4mlops==1.0.1")
    for name in AUTOMATIONS:
        shutil.copytree(Path(found.origin).parent / "repo" / "automation" / name, folder / name)


def refuse_different_answers(ours: str, theirs: str) -> None:
    """Raise RuntimeError unless both outputs name the same components: else the work would not be equal."""
    names = [
        {line.split()[0].partition(":")[2] for line in text.splitlines() if ":" in line} for text in (ours, theirs)
    ]
    names[1] = {name.rpartition(":")[2] for name in names[1]}
    if names[0] != names[1]:
        raise RuntimeError(f"loom find and ck search differ: {sorted(names[0] ^ names[1])}")


def take_turns(commands: Sequence[Command], rounds: int) -> dict[str, list[float]]:
    """Run everything once per round, in turn, and return the figures by name without those of the first round."""
    figures: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for command in commands:
            for name, figure in command().items():
                if number:
                    figures.setdefault(name, []).append(figure)
    return figures


def over_python(name: str, ours: Sequence[float], python: Sequence[float]) -> Measurement:
    """Hold a warm command against ``python -c pass``: what it takes beyond that."""
    beyond = [one - two for one, two in zip(ours, python, strict=True)]
    return line(
        AREA,
        name,
        "ms",
        ours=ours,
        against="python -c pass",
        others=python,
        figures=beyond,
        figure_unit="ms",
        bound=at_most(100),
    )


def own_lines(figures: Mapping[str, list[float]]) -> Iterator[Measurement]:
    """Yield what is held against bare Python or a bound."""
    python = figures["python"]
    yield over_python(f"loom find {' '.join(FIND)} (warm)", figures["find"], python)
    yield over_python(f"loom show {TARGET} (warm)", figures["show"], python)
    yield over_python(f"loom plan {TARGET} (warm)", figures["plan"], python)
    yield alone(AREA, "loom run, until the program's first statement", "ms", figures["before"], at_most(300))
    yield alone(AREA, "loom run, from the program's last statement", "ms", figures["after"], at_most(200))


def peer_lines(figures: Mapping[str, list[float]]) -> Iterator[Measurement]:
    """Yield what is held against the peers that could be had, on equal work."""
    found = " ".join(FIND)
    for ours, other, name, against, bound in (
        ("find", "ck search", f"loom find {found}", f"ck search {found}", None),
        ("run", "ck run", f"loom run {TARGET}, 20 images", f"ck run {TARGET}", at_most(1)),
        ("find script", "cm find", f"loom find script {SCRIPT}", f"cm find script {SCRIPT}", None),
        ("first install", "cm first run", f"loom install script {SCRIPT}, first", "cm run script, first", None),
        ("install", "cm run", f"loom install script {SCRIPT}, again", "cm run script, again", None),
    ):
        if other in figures:
            yield ratio(AREA, name, "ms", figures[ours], against, figures[other], bound)


def measure(is_quick: bool) -> Iterator[Measurement]:
    """Yield the lines; about 25 seconds where ``is_quick``, 80 otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder).resolve())
        short = bench.own()
        long: list[Command] = []
        try:
            searches, long = bench.ck()
            short += searches
        except PeerMissingError as error:
            warnings.warn(f"without ck: {error}", stacklevel=1)
        try:
            short += bench.cm()
        except PeerMissingError as error:
            warnings.warn(f"without cm: {error}", stacklevel=1)
        figures = take_turns(short, 5 if is_quick else 15)
        yield from own_lines(figures)
        yield from peer_lines(figures)
        yield from peer_lines(take_turns(long, 2 if is_quick else 7))
