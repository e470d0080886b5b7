from pathlib import Path

import msgspec
import pytest

from benchloom.app.planning import Ask, plan
from benchloom.app.workspace import Workspace
from benchloom.errors import LockDriftError
from benchloom.model.base import to_json
from benchloom.model.lock import Lock
from benchloom.model.plan import Plan
from benchloom.resolve.lock import drift, lock_requirements, make_lock
from support.repo import Loom, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "locks")
    _tool(repo, "1.0", "1.1")
    repo.script("locks-step", "locks,step", variations={name: {"group": "g", "default": name == "a"} for name in "ab"})
    needs = {"tool": {"tags": "locks,tool"}, "step": {"tags": "locks,step"}}
    repo.program("locks-app", "locks,app", run_deps=needs)
    return repo


def _tool(repo: Repo, *versions: str, alias: str = "locks-tool", text: str = "x") -> None:
    listed = [{"version": version} for version in versions]
    repo.package(alias, "locks,tool", versions=listed, files={"tool": text}, soft_uoa="locks-tools")


@pytest.fixture
def home(tmp_path: Path, repo: Repo) -> Path:
    return Loom(tmp_path / "home", repo).home


def _plan(home: Path, lock: Lock | None = None) -> Plan:
    return plan(
        Workspace({"LOOM_HOME": str(home)}), Ask(name="program:locks-app", lock=lock, lock_file="loom.lock.json")
    )


def test_lock_survives_its_file_form(home: Path):
    lock = make_lock(_plan(home))
    assert msgspec.json.decode(to_json(lock), type=Lock) == lock
    assert str(home).encode() not in to_json(lock)


def test_lock_gives_the_same_plan_again(home: Path):
    made = _plan(home)
    lock = make_lock(made)
    again = _plan(home, lock)

    assert drift(lock, made) == drift(lock, again) == []
    assert [(node.id, node.key, node.candidate) for node in again.nodes] == [
        (node.id, node.key, node.candidate) for node in made.nodes
    ]


def test_lock_holds_against_a_new_component_and_a_new_default(repo: Repo, home: Path):
    lock = make_lock(_plan(home))
    _tool(repo, "9.0", alias="locks-tool-new")

    assert _plan(home).nodes != _plan(home, lock).nodes
    assert drift(lock, _plan(home, lock)) == []


def test_lock_requirements_name_the_lock_and_bring_nothing_in(home: Path):
    found = {item.role: item for item in lock_requirements(make_lock(_plan(home)), "my.lock")}

    assert set(found) == {"target", "tool", "step"}
    assert all(item.optional for item in found.values())
    assert (found["tool"].only, found["tool"].query.version) == ("soft:locks-tools", "==1.1")
    assert (found["step"].only, found["step"].query.variations) == ("script:locks-step", ("a",))
    assert found["tool"].where == "my.lock: package:locks-tool"


def test_drift_names_node_and_field(repo: Repo, home: Path):
    lock = make_lock(_plan(home))
    _tool(repo, "1.0", "1.1", text="y")
    differences = drift(lock, _plan(home))

    assert [item.partition(" was ")[0] for item in differences] == [
        "package:locks-tool: files",
        "package:locks-tool: fetch",
    ]
    assert "Fetch(" not in "".join(differences)
    with pytest.raises(LockDriftError) as caught:
        _plan(home, lock)
    assert list(caught.value.why) == differences


def test_drift_names_what_came_and_what_went(repo: Repo, home: Path):
    lock = make_lock(_plan(home))
    repo.package("locks-more", "locks,more", files={"more": "x"})
    repo.program("locks-app", "locks,app", run_deps={"tool": {"tags": "locks,tool"}, "more": {"tags": "locks,more"}})
    differences = drift(lock, _plan(home))

    assert "script:locks-step,_a is no longer in the plan" in differences
    assert "package:locks-more is new in the plan" in differences
