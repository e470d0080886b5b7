"""The examples that ``--help`` gives are lines that can be typed, one after the other, by somebody who has them in mind."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchloom.cli.help import all_verbs
from support.heavy import heavy
from support.repo import SOURCE

# Examples that are run by another test, since they take a download or the whole suite.
ELSEWHERE = {
    "venv create": "tests/functional/test_venv.py: with the archive of MLPerf's sources from localhost",
    "bench": "tests/functional/test_bench.py: with areas of its own",
    "submit check": "tests/functional/test_submit.py: on a submission made there",
    "test": "tests/functional/test_bootstrap.py and the README's second command",
}
# What somebody would have done before, by the example that needs it.
BEFORE = {
    "repo add": 'mkdir -p ~/my-components/package && echo \'{"data_name": "my-components"}\' > ~/my-components/.ckr.json',
    "repo sync": "cd ~/my-components && loom repo sync",
    "compare": "loom run program:image-classification-onnx --mode=accuracy --count=20 --record_tags=forms --quiet",
    "venv exec": "loom venv create mlperf --quiet",
}
# Examples that build on others come after them; what removes comes last.
ORDER = ("repo add", "venv exec", "new", "repo sync", "repo trust", "lock", "run", "compare")
LAST = ("venv lock", "venv rm", "record rm", "repo remove")
UNKNOWN_RECORD = "20260101T120000123Z-image-classification-onnx-0a1b2c"


def examples() -> dict[str, str]:
    """Return the examples by the words after ``loom``; groups of verbs have none of their own."""
    return {item.name.removeprefix("loom "): item.example for item in all_verbs() if not item.is_group}


def rank(name: str) -> tuple[int, int]:
    if name in LAST:
        return 2, LAST.index(name)
    return (0, ORDER.index(name)) if name in ORDER else (1, 0)


@heavy  # an environment is made, and a search takes its half minute
@pytest.mark.timeout(600)
def test_every_example_of_the_help_does_what_it_says(tmp_path: Path):
    found = examples()
    assert all(found.values())
    assert set(ELSEWHERE) <= set(found)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "loom").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m benchloom "$@"\n')
    (tools / "loom").chmod(0o755)
    home, place = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    place.mkdir()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LOOM_")},
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(SOURCE),
    }
    failed = {}
    for name in sorted((item for item in found if item not in ELSEWHERE), key=lambda item: (rank(item), item)):
        if name == "record rm":
            as_known(home)
        line = " && ".join(filter(None, [BEFORE.get(name, ""), found[name]]))
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=place,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            failed[name] = f"{line}\nexit {done.returncode}\n{done.stdout[-600:]}{done.stderr[-900:]}"
    assert not failed, "\n\n".join(failed.values())


def as_known(home: Path) -> None:
    """Give the newest record the name that the example has."""
    newest = max((home / "data" / "benchloom" / "records").glob("*.json"))
    record = json.loads(newest.read_bytes())
    newest.with_name(f"{UNKNOWN_RECORD}.json").write_text(json.dumps({**record, "id": UNKNOWN_RECORD}))
