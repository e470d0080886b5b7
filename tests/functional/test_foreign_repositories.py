"""A repository that is added gives answers, and takes none away: whatever its components are called and tagged."""

import json
from pathlib import Path

import pytest

from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from support.repo import SOURCE, Loom, Repo

OWN = load([read_repository(SOURCE.parent)], None).components
# Without a GPU nothing here answers what those for GPUs need, so another repository may.
PROGRAMS = [item.ref for item in OWN if item.kind == "program" and not item.ref.endswith("-gpu")]


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A repository with a component beside each of ours: of its kind, name and tags, ready to be used, and of a newer version."""
    repo = Repo(tmp_path_factory.mktemp("strange") / "repo", "strange")
    for item in OWN:
        tags, name = ",".join(item.tags), item.alias
        if item.kind == "package":
            family = {"soft_uoa": item.family.partition(":")[2]} if item.family != item.ref else {}
            repo.package(name, tags, files={"file": name}, version="99.0", priority=9, **family)
        elif item.kind == "soft":
            repo.soft(name, tags, detect={"files": {"patterns": ["passwd"], "search": ["/etc"], "version": "99.0"}})
        elif item.kind == "dataset":
            repo.dataset(name, tags, version="99.0", priority=9)
        elif item.kind == "program":
            repo.program(name, tags)
        elif item.kind == "script":
            repo.script(name, tags)
    return repo


@pytest.mark.parametrize("program", PROGRAMS)
def test_plan_is_the_same_whatever_is_added(tmp_path: Path, strange: Repo, program: str):
    alone = Loom(tmp_path / "home").here("plan", program, "--json")
    beside = Loom(tmp_path / "home", strange).here("plan", program, "--json")
    assert (beside.code, beside.out, beside.err) == (alone.code, alone.out, alone.err)
    assert alone.code == 0 or "tensorflow" not in program


@pytest.mark.parametrize("words", [("--tags=lib,python-package,numpy",), ("--tags=model,onnx,digits,fp32",)])
def test_query_on_the_command_line_is_answered_as_before(tmp_path: Path, strange: Repo, words: tuple[str, ...]):
    alone = Loom(tmp_path / "home").here("plan", *words, "--json").ok()
    assert Loom(tmp_path / "home", strange).here("plan", *words, "--json").ok().out == alone.out


def test_every_component_of_both_is_reached_by_its_whole_name_and_uid(tmp_path: Path, strange: Repo):
    repositories = [read_repository(SOURCE.parent), read_repository(strange.root)]
    index = load(repositories, None)
    assert len(index.components) == len(OWN) + sum(
        1 for kind in strange.root.iterdir() if kind.is_dir() for entry in kind.iterdir() if entry.name != ".cm"
    )
    for item in index.components:
        assert index.get(f"{item.repo}:{item.kind}:{item.alias}") is item
        assert index.get(item.ref) is item
        if item.uid:
            assert index.get(f"{item.kind}:{item.uid}").uid == item.uid
    loom = Loom(tmp_path / "home", strange)
    shown = loom.here("show", "strange:package:model-digits-onnx", "--json").ok().json
    assert shown["repo"] == "strange"
    assert loom.here("show", "package:model-digits-onnx", "--json").ok().json["repo"] == "benchloom"


def test_what_an_added_repository_alone_has_is_found_and_said(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "mine")
    meta = json.loads((SOURCE.parent / "package/model-digits-onnx/.cm/meta.json").read_text())
    meta["default_for"] = []
    del meta["tags"]
    folder = repo.entry("package", "model-digits-onnx", "model,image-classification,onnx,mine", **meta)
    (folder / "digits.onnx").write_bytes((SOURCE.parent / "package/model-digits-onnx/digits.onnx").read_bytes())
    loom = Loom(tmp_path / "home", repo)
    words = ("program:image-classification-onnx", "--dep_add_tags.model=mine")
    model = loom.here("plan", *words, "--json").ok().node("model")
    assert (model["candidate"]["component"], model["repo"]) == ("mine:package:model-digits-onnx", "mine")
    assert "from     repository mine" in loom.here("plan", *words).ok().out
    said = loom.here("run", *words, "--mode=accuracy", "--count=10", "--quiet").ok().out
    assert "repository mine: mine:package:model-digits-onnx" in said


def test_higher_priority_answers_before_the_built_in_repository(tmp_path: Path, strange: Repo):
    loom = Loom(tmp_path / "home", strange)
    stored = json.loads((loom.home / "repositories.json").read_text())
    (loom.home / "repositories.json").write_text(json.dumps([{**item, "priority": 5} for item in stored]))
    model = loom.here("plan", "--tags=model,onnx,digits,fp32", "--json").ok().node("target")
    assert (model["candidate"]["component"], model["candidate"]["version"]) == ("package:model-digits-onnx", "99.0")
    assert loom.here("show", "benchloom:package:model-digits-onnx", "--json").ok().json["repo"] == "benchloom"


def test_nobody_advises_to_rewrite_what_was_added_or_writes_there(tmp_path: Path, strange: Repo):
    loom = Loom(tmp_path / "home", strange)
    before = {path: path.read_bytes() for path in strange.root.rglob("*") if path.is_file()}
    assert f"sync {strange.root}" not in loom.here("doctor").out
    assert "identity-drift" not in loom.here("lint").out
    loom.here("lint", "--fix")
    loom.here("new", "package:something", "--dir", str(tmp_path / "own"))
    assert {path: path.read_bytes() for path in strange.root.rglob("*") if path.is_file()} == before


CASES = {
    "package with a script": ("package", "its script 'install' is run by ck", {"process_script": "install"}, ""),
    "package with custom.py": ("package", "its custom.py is run by ck", {}, "custom.py"),
    "soft with rules of its own": (
        "soft",
        "ck detects it with its own script",
        {"customize": {"soft_file": "gcc"}},
        "",
    ),
    "program to compile": (
        "program",
        "its sources are compiled by ck",
        {"run_cmds": {"default": {"run_time": {"run_cmd_main": "./a.out"}}}, "source_files": ["a.c"]},
        "",
    ),
    "program without commands": ("program", "it states no run_cmds", {}, ""),
    "script of CK": ("script", "it is a script of CK", {}, ""),
}


@pytest.mark.parametrize(("kind", "told", "meta", "file"), CASES.values(), ids=CASES.keys())
def test_work_of_another_tool_is_refused_and_never_called_installed(
    tmp_path: Path, kind: str, told: str, meta: dict[str, object], file: str
):
    repo = Repo(tmp_path / "repo", "foreign")
    folder = repo.entry(kind, "foreign-thing", "foreign,thing", **meta)
    if file:
        (folder / file).write_text("")
    repo.program("foreign-user", "foreign,user", run_deps={"thing": {"tags": "foreign,thing"}})
    loom = Loom(tmp_path / "home", repo)
    targets = [f"{kind}:foreign-thing"] if kind == "program" else [f"{kind}:foreign-thing", "program:foreign-user"]
    for target in targets:
        for verb in ("plan", "install"):
            answer = loom.here(verb, target)
            assert answer.code == 3, answer.out
            assert told in answer.err
            assert "internal" not in answer.err
    assert not (loom.home / "store").exists() or not list((loom.home / "store").rglob("content"))


@pytest.mark.parametrize("name", ["run.sh", "customize.py"])
def test_work_of_a_cm_script_is_refused(tmp_path: Path, name: str):
    repo = Repo(tmp_path / "repo", "foreign")
    (repo.script("foreign-thing", "foreign,thing") / name).write_text("")
    answer = Loom(tmp_path / "home", repo).here("install", "--tags=foreign,thing")
    assert answer.code == 3
    assert f"its {name} is run by cm or mlc, not by loom" in answer.err
