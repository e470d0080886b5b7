"""T17: the same repositories and host give the same bytes, whatever the hash seed and the order of folders."""

import json
import random
from pathlib import Path

import pytest

from support.repo import Loom, Repo

SHUFFLE = """\
import functools, os, random
_order = random.Random(int(os.environ["T17_SHUFFLE"]))
_listdir, _scandir = os.listdir, os.scandir


def listdir(path="."):
    names = _listdir(path)
    _order.shuffle(names)
    return names


class _Shuffled:
    def __init__(self, entries):
        self._entries = entries

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __iter__(self):
        return self

    def __next__(self):
        if isinstance(self._entries, list):
            if self._entries:
                return self._entries.pop()
            raise StopIteration
        found = list(self._entries)
        self._entries.close()
        _order.shuffle(found)
        self._entries = found
        return next(self)

    def close(self):
        if not isinstance(self._entries, list):
            self._entries.close()


def scandir(path="."):
    return _Shuffled(_scandir(path))


os.listdir = functools.partial(listdir)  # not functions: pathlib of Python 3.10 would make methods of them
os.scandir = functools.partial(scandir)
"""


def _fill(repo: Repo, order: random.Random) -> None:
    tools = [(f"t17-tool-{number}", f"{number % 3}.{number}") for number in range(12)]
    order.shuffle(tools)
    for alias, version in tools:
        repo.package(alias, "t17,tool", version=version, files={"tool": alias, "more": "x"}, soft_uoa="t17-tools")
    steps = list(range(12))
    order.shuffle(steps)
    for step in steps:
        deps = [{"tags": f"t17,step,n{other}", "names": [f"n{other}"]} for other in range(step) if (step + other) % 3]
        deps.append({"tags": "t17,tool", "names": ["tool"], "version_max": "2.8"})
        variations = {name: {"group": "g", "env": {"T17": name}, "default": name == "b"} for name in "abc"}
        repo.script(f"t17-step-{step}", f"t17,step,n{step}", deps=deps, variations=variations)
    repo.program("t17-app", "t17,app", run_deps={"last": {"tags": "t17,step,n11,_a"}, "tool": {"tags": "t17,tool"}})


@pytest.fixture
def plans(tmp_path: Path) -> list[str]:
    """Return the plan of one graph under several seeds, shuffles and orders in which its folders were made."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SHUFFLE)
    found = []
    for seed in range(4):
        repo = Repo(tmp_path / f"repo-{seed}" / "repo", "t17")
        _fill(repo, random.Random(seed))
        loom = Loom(tmp_path / f"home-{seed}", repo)
        for round_ in range(2):  # cold, then from the persisted index
            environ = {"PYTHONHASHSEED": str(seed), "T17_SHUFFLE": str(seed + round_), "PYTHONPATH": str(site)}
            found.append(loom("plan", "program:t17-app", "--json", **environ).ok().out)
    return found


def test_t17_plan_is_byte_identical(plans: list[str]):
    assert len(set(plans)) == 1
    assert len(json.loads(plans[0])["nodes"]) == 13
