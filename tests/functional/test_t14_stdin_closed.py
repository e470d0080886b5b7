"""T14: no verb reads standard input, be it closed or at its end."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchloom.cli.main import VERBS
from support.repo import SOURCE, Loom, Repo

WORDS: dict[str, list[list[str]]] = {
    "completion": [["bash"], []],
    "detect": [["--tags=trial,tool"], []],
    "find": [[], ["package"]],
    "gc": [[], ["--all"]],
    "install": [["package:thing"], []],
    "lint": [["trial"], ["package:thing"]],
    "new": [["soft:mine", "--dir=mine"], ["soft:tool", "--dir=../repo"], []],
    "repo": [["list"], ["add", "/absent"], ["remove", "trial"], []],
    "run": [["program:app"], ["program:absent"], []],
    "bench": [["--help"], ["--only=nothing"]],
    "test": [["--help"]],
}
CASES = [
    (verb, words)
    for verb in VERBS
    if importlib.util.find_spec(f"benchloom.cli.verbs.{verb}")
    for words in WORDS.get(verb, [["program:app"], []])
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    repo = Repo(tmp_path / "repo", "trial")
    repo.package("thing", "trial,thing", files={"a.txt": "one"}, version="1")
    repo.soft("tool", "trial,tool", detect={"executable": {"names": ["trial-tool"]}})
    repo.program("app", "trial,app", run_deps={"thing": {"tags": "trial,thing"}})
    Loom(tmp_path / "home", repo)
    return tmp_path / "home"


def call(home: Path, verb: str, words: Sequence[str], redirection: str) -> subprocess.CompletedProcess[str]:
    """Run the verb from a shell whose standard input is what ``redirection`` makes of it."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "benchloom", verb, *words],
        env={**os.environ, "LOOM_HOME": str(home), "PYTHONPATH": str(SOURCE)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("redirection", ["0<&-", "0</dev/null"])
@pytest.mark.parametrize(("verb", "words"), CASES, ids=[" ".join([verb, *words]) for verb, words in CASES])
def test_t14_verb_without_standard_input_neither_prompts_nor_fails_for_it(
    home: Path, verb: str, words: list[str], redirection: str
):
    done = call(home, verb, words, redirection)
    said = done.stdout + done.stderr
    assert done.returncode in {0, 1, 2, 3, 5}, said
    for sign in ("EOFError", "Traceback", "internal error", "[y/N]", "Bad file descriptor"):
        assert sign not in said


@pytest.mark.parametrize("redirection", ["0<&-", "0</dev/null"])
def test_t14_run_without_standard_input_does_its_work(home: Path, redirection: str):
    assert call(home, "run", ["program:app"], redirection).returncode == 0
