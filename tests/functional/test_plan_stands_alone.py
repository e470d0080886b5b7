"""A plan read back from its file is executed with the folders of its repositories and a store: nothing looks into the index."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.repo import SOURCE, Loom, Repo

# A process with nothing of the caller's but the plan's file: home, run directory, then alias=folder for each repository.
CHILD = """\
import json, sys
from pathlib import Path
import msgspec
from benchloom.base.talk import Silent
from benchloom.model.plan import Plan
from benchloom.run.context import ExecutionContext
from benchloom.run.prepare import prepare
from benchloom.run.program import run_program
from benchloom.store.entries import Store
from benchloom.store.fetch import Fetcher, FetchOptions

file, home, folder, *repositories = sys.argv[1:]
plan = msgspec.json.decode(Path(file).read_bytes(), type=Plan)
home, folder, talk = Path(home), Path(folder), Silent()
(folder / "logs").mkdir(parents=True)
context = ExecutionContext(
    repositories={alias: Path(root) for alias, root in (item.split("=") for item in repositories)},
    store=Store(home, talk),
    fetcher=Fetcher(home, FetchOptions(offline=True), talk),
    talk=talk,
    environ={},
    offline=True,
    logs=folder / "logs",
    runtime=Path(SOURCE),
)
prepared = prepare(plan, context)
argv, repetition, refused = run_program(plan, prepared, context, folder, {}, None, None)
loaded = sorted(name for name in sys.modules if name.startswith(("benchloom.index", "benchloom.resolve", "benchloom.app")))
print(json.dumps({"status": repetition.status, "loaded": loaded, "facts": sorted(prepared.facts)}))
"""
BUILD = """\
import json, os, pathlib
data = json.load(open(os.environ["LOOM_DATA"]))
text = pathlib.Path(data["path"]).read_text() + os.environ["HOW"]
pathlib.Path("made.txt").write_text(text)
"""
PROGRAM = """\
import json, os, sys
made, model = (json.load(open(os.environ[name])) for name in ("LOOM_MADE", "LOOM_PLACE"))
json.dump({"words": sys.argv[1:], "made": open(made["path"]).read(), "dataset": model["dataset"]["name"],
           "place": model["path"], "own": os.environ["OWN"]}, open("seen.json", "w"))
"""
DATASET = {"name": "d", "task": "image-classification", "layout": "imagenet", "images": "i", "labels": "l",
           "count": 1, "classes": 1}  # fmt: skip


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo")
    repo.package("data", "alone,data", files={"a.txt": "data and "}, result="a.txt")
    made = repo.package(
        "made",
        "alone,made",
        install={"script": "build.py"},
        result="made.txt",
        env={"HOW": "more"},
        needs={"data": {"tags": "alone,data"}},
    )
    (made / "build.py").write_text(BUILD)
    (repo.dataset("place", "alone,place", dataset=DATASET, result="here") / "here").mkdir()
    needs = {"made": {"tags": "alone,made"}, "place": {"tags": "alone,place"}}
    inputs = {"word": {"summary": "a word"}}
    repo.program("app", "alone,app", code=PROGRAM, run_deps=needs, inputs=inputs, run_vars={"OWN": "mine"})
    return repo


def planned(loom: Loom, file: Path, *words: str) -> dict[str, Any]:
    answer = loom("plan", *words, "--json").ok()
    file.write_text(answer.out)
    plan: dict[str, Any] = answer.json
    return plan


def execute(file: Path, home: Path, folder: Path, **repositories: Path) -> dict[str, Any]:
    words = [file, home, folder, *(f"{alias}={root}" for alias, root in repositories.items())]
    done = subprocess.run(
        [sys.executable, "-c", CHILD.replace("SOURCE", repr(str(SOURCE))), *map(str, words)],
        env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_plan_is_executed_from_its_file_wherever_the_repository_is(repo: Repo, tmp_path: Path):
    plan = planned(Loom(tmp_path / "home", repo), tmp_path / "plan.json", "program:app", "--word=a b")
    moved = shutil.move(repo.root, tmp_path / "moved")
    done = execute(tmp_path / "plan.json", tmp_path / "other-store", tmp_path / "run", trial=moved)

    assert done == {
        "status": "ok",
        "loaded": [],
        "facts": ["dataset:place", "package:data", "package:made"],
    }
    assert json.loads((tmp_path / "run" / "seen.json").read_text()) == {
        "words": ["--word=a b"],
        "made": "data and more",
        "dataset": "d",
        "place": str(moved / "dataset" / "place" / "here"),
        "own": "mine",
    }
    kinds = {node["id"]: node["provision"]["type"] for node in plan["nodes"]}
    assert kinds == {
        "dataset:place": "in-place",
        "package:data": "fetched",
        "package:made": "built",
        "program:app": "run",
    }
    [planned_from] = plan["repositories"]
    assert (planned_from["alias"], planned_from["trusted"]) == ("trial", False)


def test_plan_of_a_benchmark_is_executed_from_its_file(tmp_path: Path):
    file = tmp_path / "plan.json"
    words = ("program:image-classification-onnx", "--count=20", "--mode=accuracy")
    planned(Loom(tmp_path / "home"), file, *words)
    done = execute(file, tmp_path / "store", tmp_path / "run", benchloom=SOURCE.parent)

    assert (done["status"], done["loaded"]) == ("ok", [])
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["accuracy"]["total"] == 20


def test_digest_of_a_repository_is_that_of_what_the_plan_uses_of_it(repo: Repo, tmp_path: Path):
    loom = Loom(tmp_path / "home", repo)

    def digest() -> str:
        [found] = loom.here("plan", "program:app", "--json").ok().json["repositories"]
        return str(found["digest"])

    before = digest()
    (repo.package("unused", "alone,unused") / "a.txt").write_text("a")
    assert digest() == before
    (repo.root / "package" / "data" / "a.txt").write_text("other")
    assert digest() != before


def test_trust_in_a_repository_is_part_of_the_plan(repo: Repo, tmp_path: Path):
    loom = Loom(tmp_path / "home", repo)
    loom.here("repo", "trust", "trial").ok()
    [found] = loom.here("plan", "program:app", "--json").ok().json["repositories"]
    assert found["trusted"] is True


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("dataset", {"dataset": DATASET}),
        ("package", {"fetch": [{"path": "a.txt", "unpinned": "a test"}]}),
        ("package", {"install": {"script": "build.py"}}),
    ],
)
def test_result_that_does_not_exist_is_an_error_for_every_provision(tmp_path: Path, kind: str, about: dict[str, Any]):
    repo = Repo(tmp_path / "repo")
    folder = repo.entry(kind, "lost", "alone,lost", result="nowhere", **about)
    (folder / "a.txt").write_text("a")
    (folder / "build.py").write_text("open('other', 'w')")
    loom = Loom(tmp_path / "home", repo)
    answer = loom.here("install", f"{kind}:lost")
    assert answer.code == 3
    assert "nowhere" in answer.err
    assert f"{kind}/lost/.cm/meta.json: result" in answer.err
    assert not list((loom.home / "store").glob("entries/*"))
