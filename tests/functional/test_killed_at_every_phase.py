"""``loom run`` is killed with SIGKILL in every phase of its work: nothing goes on, and the next command just works.

In each home the command is killed once per phase, in their order, so that every command but the first is the next one
after a kill: it must get past what its predecessor was killed in. The last one must end well. LOOM_KILLS=300 kills so
often; its counts are printed with ``-s``.
"""

import collections
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.repo import SOURCE, Loom, Repo
from support.wheels import wheel

KILLS = int(os.environ.get("LOOM_KILLS", "20"))
LIMIT_SECONDS = 60
# What is there once a phase has begun, and within how many seconds after that the kill falls.
PHASES = {
    "fetch": ("store/stage/*", 0.02),
    "pip": ("store/stage/*/content/pyvenv.cfg", 1.0),
    "build": ("store/stage/*/content/half", 0.4),
    "run": ("runs/*/beat", 0.4),
    "record": ("runs/*/results.json", 0.02),
}
BUILD = """\
touch half
(for n in 1 2 3 4 5 6 7 8 9 10; do mkdir -p part/$n; sleep 0.03; done) &
for n in 1 2 3 4 5 6 7 8 9 10; do echo $n > $n; sleep 0.03; done
wait
"""
PROGRAM = """\
import json, os, pathlib, subprocess, sys, time
seconds = os.environ.get("HELPER_SECONDS", "0.4")
helper = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])
pathlib.Path("beat").write_text("1")
helper.wait()
names = ("task", "model", "dataset", "backend", "scenario", "mode", "ruleset")
json.dump({"schema": "benchloom.results/1", "accuracy": None, "performance": None, "submission_valid": False,
           "settings": {}, "versions": {}, "notes": [], **dict.fromkeys(names, "trial")}, open("results.json", "w"))
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "repo")
    wheel(tmp_path / "wheels", "trialtiny")
    made.package("raw", "trial,raw", files={f"{n}.txt": str(n) * 1000 for n in range(20)}, version="1")
    made.package("tiny", "trial,tiny", install={"pip": "trialtiny"}, version="1.0")
    folder = made.script("made", "trial,made", install={"script": "make.sh"}, deps=[{"tags": "trial,raw"}])
    (folder / "make.sh").write_text(BUILD)
    needs = {"made": {"tags": "trial,made"}, "tiny": {"tags": "trial,tiny"}}
    made.program("app", "trial,app", code=PROGRAM, run_deps=needs)
    return made


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="orphans are looked for in /proc")
@pytest.mark.timeout(KILLS * 20 + 120)
def test_run_killed_in_every_phase_leaves_no_process_and_the_next_command_works(tmp_path: Path, repo: Repo):
    rng = random.Random(15)
    kills: collections.Counter[str] = collections.Counter()
    problems: list[str] = []
    commands = homes = 0
    begun = time.monotonic()
    while kills.total() < KILLS and (KILLS > 20 or time.monotonic() - begun < LIMIT_SECONDS):
        homes += 1
        loom = Loom(tmp_path / f"home{homes}", repo)
        for phase, (pattern, within) in PHASES.items():
            commands += 1
            code, said = killed(
                loom, tmp_path / "wheels", pattern, rng.uniform(0, within), 60 if phase == "run" else 0.4
            )
            kills[phase] += code == -signal.SIGKILL
            if code not in {0, -signal.SIGKILL} or "damaged" in said:
                problems.append(f"home {homes}, {phase}: exit code {code}: {said}")
            problems += [f"home {homes}, {phase}: goes on: {item}" for item in orphans(loom.home)]
        commands += 1
        answer = loom("run", "program:app", f"--mirror={tmp_path / 'wheels'}", "--offline", "--json")
        if answer.code or "damaged" in answer.err:
            problems.append(f"home {homes}, last: exit code {answer.code}: {answer.err}")
        found = loom.here("verify", "--json")
        if found.code:
            problems.append(f"home {homes}: {found.out}")
    print(f"{kills.total()} kills {dict(kills)}, {commands} commands, {homes} homes, {len(problems)} problems")  # noqa: T201
    assert problems == []
    assert set(+kills) == set(PHASES), "some phase was never hit"


def killed(loom: Loom, wheels: Path, pattern: str, delay: float, lasts: float) -> tuple[int, str]:
    """Run the program; kill the command ``delay`` seconds after something new answers ``pattern``. Return code and messages.

    The program ``lasts`` so many seconds.
    """
    before = set(loom.home.glob(pattern))
    log = loom.home / "said"
    with log.open("wb") as sink:
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchloom",
                "run",
                "program:app",
                f"--mirror={wheels}",
                "--offline",
                f"--env.HELPER_SECONDS={lasts}",
            ],
            env={**os.environ, **loom.environ, "PYTHONPATH": str(SOURCE)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=sink,
        )
        while child.poll() is None and not set(loom.home.glob(pattern)) - before:
            time.sleep(0.002)
        time.sleep(delay)
        child.kill()
        code = child.wait()
    return code, log.read_text()


def orphans(home: Path) -> list[str]:
    """Return the processes that still work on ``home`` three seconds later at the latest."""
    end = time.monotonic() + 3
    while (found := list(working_on(home))) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def working_on(home: Path) -> list[str]:
    """Return the words of all processes that name ``home`` or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            folder = os.readlink(process / "cwd")
        except OSError:  # it has ended, or is another user's
            continue
        if words and (f"{home}/" in words or f"{folder}/".startswith(f"{home}/")):
            found.append(f"{process.name} {words}")
    return found
