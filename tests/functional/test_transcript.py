"""The README at a real terminal of 80 and of 120 columns, from a fresh copy on: what it prints, how wide, and that something always moves."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from support.benchmark import TARGET, home
from support.checkout import copied
from support.repo import SOURCE, Loom
from support.terminal import Shown, in_terminal

README = (SOURCE.parent / "README.md").read_text(encoding="utf-8")
START = SOURCE.parent / "docs" / "start"
WIDTHS = (80, 120)
CACHES = {"UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip"}  # so that nothing is downloaded for a test alone
OURS = ("LOOM_", "PYTHON", "VIRTUAL", "XDG_")
ABSENT = "/data/imagenet/val"
# Not run here: what all tests run, what downloads the published models or the reference application, and a search of minutes.
ELSEWHERE = {
    "./loom test",
    "./loom run script:check-published-models",
    "./loom tune TARGET --scenario=Offline",
    "./loom venv create mlperf --template=mlperf-inference-1.0",
    "./loom venv activate mlperf",
}


def commands() -> list[str]:
    """The README's commands of loom, in its order, without their comments: lines of indented blocks, and code in the text."""
    found = re.findall(r"^    (\./loom .*?)(?:  +#.*)?$|`(\./loom [^`]*)`", README, re.MULTILINE)
    return [(line or code).strip() for line, code in found]


@dataclass(frozen=True)
class NewUser:
    """A user with a fresh copy of the repository, an empty home and a terminal."""

    checkout: Path
    environ: dict[str, str]

    def types(self, line: str, columns: int) -> Shown:
        return in_terminal(["bash", "-c", line], self.environ, columns, str(self.checkout))

    def pipes(self, line: str) -> str:
        """Run a line whose output goes elsewhere than to the terminal, and return its output."""
        words = ["bash", "-o", "pipefail", "-c", line]
        return subprocess.run(
            words, env=self.environ, cwd=self.checkout, stdout=subprocess.PIPE, text=True, timeout=240, check=True
        ).stdout.strip()


@cache
def new_user() -> NewUser:
    """Return the new user of this test process."""
    root = Path(mkdtemp(prefix="loom-new-user-"))
    (root / "home").mkdir()
    caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
        **{name: os.environ.get(name, str(caches / folder)) for name, folder in CACHES.items()},
        "HOME": str(root / "home"),
    }
    return NewUser(copied(root / "benchloom"), environ)


@cache
def first_run() -> Shown:
    """Return what the README's first command showed, at 80 columns: the first use of ``./loom`` in the fresh copy."""
    assert not (new_user().checkout / ".venv").exists()
    return new_user().types(commands()[0], 80).ok()


def at_terminal(words: list[str], columns: int, folder: Path, **variables: str) -> Shown:
    """Run loom at a terminal, in the home that the tests of this process share."""
    environ = {**os.environ, **Loom(home()).environ, "PYTHONPATH": str(SOURCE), **variables}
    return in_terminal([sys.executable, "-m", "benchloom", *words], environ, columns, str(folder))


def slower() -> float:
    """How many times longer things take than on a machine that is left to this test: processes that want to run, for each core."""
    return max(1.0, max(os.getloadavg()[:2]) / (os.cpu_count() or 1))


def assert_readable(shown: Shown, columns: int) -> None:
    """Nothing is wider than the terminal, nothing is silent for long, and no amount is unknown in the way of ``0/?``."""
    assert [line for line in shown.lines if len(line) > columns] == []
    assert [(seconds, line) for seconds, line in shown.silences if seconds > 5 * slower()] == []
    assert "/?" not in shown.text


def code_of(line: str) -> int:
    """Return the exit code that a command below ends with."""
    return 2 if ABSENT in line or "image-classification-onx" in line or "program,mlperf" in line else 0


MORE = [
    *("./loom record ls", "./loom record show last", "./loom compare", "./loom doctor", "./loom repo list"),
    *("./loom --help", "./loom run --help"),
    *("./loom plan program:image-classification-onx", "./loom run --tags=program,mlperf"),
]


def test_readme_has_the_commands_that_this_file_runs():
    assert commands()[:2] == [f"./loom run {TARGET}", "./loom test"]
    assert set(commands()) >= ELSEWHERE
    assert len(set(commands()) - ELSEWHERE) >= 12


def test_first_use_of_loom_in_a_fresh_copy_shows_a_result_and_what_it_does_all_the_time():
    shown = first_run()

    assert_readable(shown, 80)
    begun = re.search(
        r"^loom: first use: creating \.venv \(about (\d+) s, more if downloads are slow\)$", shown.text, re.MULTILINE
    )
    ready = re.search(r"^loom: ready after (\d+) s$", shown.text, re.MULTILINE)
    assert begun is not None
    assert ready is not None
    assert int(ready[1]) < 3 * int(begun[1]) * slower()
    steps = (
        "creating a virtual environment",
        "installing Benchloom",
        "preparing python",
        "building script:preprocess-images",
    )
    for step in (*steps, "SingleStream performance: 0 s of at least 2 s"):
        assert step in shown.text
    assert "accuracy    99.11 % top-1 (446 of 450)" in shown.text
    assert "LoadGen     \x1b[32m\x1b[1mVALID\x1b[0m" in shown.raw


@pytest.mark.parametrize("columns", WIDTHS)
def test_commands_of_the_readme_fit_the_terminal_and_always_show_something(columns: int):
    first_run()
    lines = [line for line in commands() if line not in ELSEWHERE and not (ABSENT in line and Path(ABSENT).exists())]
    for line in [*lines, *MORE]:
        if columns > 80 and line in lines and " run " in line and code_of(line) == 0 and "--scenario" not in line:
            continue  # at 80 columns they ran
        shown = new_user().types(line.replace("TARGET", TARGET), columns)
        assert_readable(shown, columns)
        assert shown.code == code_of(line), shown.text


def pipe(page: str) -> str:
    """Return the one command of a page in docs/start whose output goes to Python."""
    [line] = re.findall(r"^    (.*\| python3 -c .*)$", (START / page).read_text(encoding="utf-8"), re.MULTILINE)
    return line


def test_pipes_of_the_first_pages_print_what_they_say():
    first_run()
    user = new_user()
    typed = (
        pipe("first-run.md"),
        pipe("install.md").partition('"')[2].partition(" --quiet")[0].removesuffix('"'),
    )
    assert float(user.pipes(typed[0])) == 446 / 450
    assert user.pipes(f'loom() {{ ./loom "$@"; }}; echo {typed[1]}') == str(user.checkout)


def test_run_shows_its_time_beside_the_least_duration(tmp_path: Path):
    shown = at_terminal(["run", TARGET, "--mode=performance", "--duration=6"], 80, tmp_path).ok()

    assert_readable(shown, 80)
    seconds = [int(item) for item in re.findall(r"SingleStream performance: (\d+) s of at least 6 s", shown.text)]
    assert set(seconds) >= {1, 2, 3, 4, 5}
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminal_without_colours_gets_none(variables: dict[str, str], tmp_path: Path):
    Loom(home())("run", TARGET, "--mode=performance", "--quiet").ok()

    assert "\x1b[3" not in at_terminal(["record", "show", "last"], 80, tmp_path, **variables).ok().raw


def test_sample_of_the_readme_is_what_is_printed():
    """Labels, units and their order; figures, machine and places are the run's."""
    sample = re.search(rf"^    {TARGET} \(default\)\n(?:      .*\n)+", README, re.MULTILINE)
    printed = Loom(home())("run", TARGET, "--quiet").ok().out

    official, p90 = (
        re.search(pattern, printed)[1] for pattern in (r"90th percentile latency (.*)", r"p90 ([\d.]+ \S+)")
    )
    assert official == p90
    assert sample is not None
    assert skeleton(printed) == skeleton("".join(line[4:] for line in sample[0].splitlines(keepends=True)))


def skeleton(table: str) -> list[str]:
    """The rows of a record's table without what belongs to one run: figures, the unit of a time, the machine and places."""
    rows = []
    for line in table.rstrip().splitlines():
        label, text = line[:14], line[14:]
        if label.split()[:1] == ["busy"]:
            continue
        text = "" if label.split()[:1] in (["host"], ["record"], ["run"]) else re.sub(r"[\d.,:T-]*\d", "#", text)
        rows.append(label + re.sub(r"# (?:ns|µs|ms|s)\b", "# time", text))
    return rows
