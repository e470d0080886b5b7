from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from benchloom.app.planning import plan
from benchloom.app.requests import PlanRequest
from benchloom.app.workspace import Workspace
from benchloom.errors import LockDriftError
from benchloom.model.base import to_json
from benchloom.model.component import Fetch, Install, Variation, Version
from benchloom.model.lock import Lock
from benchloom.model.plan import Candidate, Plan
from benchloom.model.provision import Fetched
from benchloom.resolve.host import HostFacts
from benchloom.resolve.lock import drift, lock_requirements, make_lock
from support.components import PLATFORM, entry, need, planned
from support.repo import Loom, Repo

TWO = (Version(version="1"), Version(version="2"))


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
        Workspace({"LOOM_HOME": str(home)}),
        PlanRequest(name="program:locks-app", lock=lock, lock_file="loom.lock.json"),
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


def test_lock_keeps_uids_of_what_has_files_and_families_of_libraries():
    library = entry("package", "lib", "lib", family="soft:lib", uid="1", install=Install(pip="lib"), versions=TWO)
    data = entry("package", "data", "data", uid="2", fetch=(Fetch(path="x"),))
    tool = Candidate(component="soft:cc", family="soft:cc", version="12", origin="detected")
    app = entry("script", "app", "app", uid="3", requires=(need("l", "lib"), need("d", "data"), need("c", "cc")))
    host = HostFacts(platform=PLATFORM, detected=(tool,))
    lock = make_lock(planned(app, library, data, entry("soft", "cc", "cc", uid="4"), host=host))

    assert {node.id: (node.family, node.uid, node.version) for node in lock.nodes} == {
        "script:app": ("script:app", "3", ""),
        "package:data": ("package:data", "2", ""),
        "soft:lib": ("soft:lib", "", "2"),
        "soft:cc": ("soft:cc", "", "12"),  # what is found on a machine is the same whoever describes it
        "python": ("python", "", ""),
    }
    assert {item.role: item.only for item in lock_requirements(lock, "my.lock")} == {
        "target": "script:app",
        "d": "package:data",
        "l": "soft:lib",
        "c": "soft:cc",
    }


def test_drift_says_what_was_and_what_is_in_order():
    made = planned(entry("package", "app", "app", fetch=(Fetch(url="http://x/1", digest="sha256:1"),)))
    lock = make_lock(made)
    [node] = made.nodes
    now = replace(
        made,
        target="package:other",
        command="fast",
        inputs={"b": "2", "a": "1"},
        env={"C": "3"},
        nodes=(
            replace(node, provision=Fetched(files=()), roles=("a", "b")),
            *(replace(node, id=f"package:{name}") for name in ("z", "y", "x")),
        ),
    )
    old = replace(
        lock, nodes=(*lock.nodes, *(replace(lock.nodes[0], id=f"package:{name}") for name in ("q", "p", "o")))
    )
    assert drift(old, now) == [
        "target was package:app, is package:other",
        "command was nothing, is fast",
        "inputs was nothing, is a=1, b=2",
        "env was nothing, is C=3",
        "package:o is no longer in the plan",
        "package:p is no longer in the plan",
        "package:q is no longer in the plan",
        "package:x is new in the plan",
        "package:y is new in the plan",
        "package:z is new in the plan",
        "package:app: roles was target, is a, b",
        "package:app: fetch was http://x/1 sha256:1, is nothing",
    ]


def test_drift_lists_changed_nodes_by_name_and_scripts_are_locked_without_their_configuration():
    both = {name: Variation(name=name, env={name: "1"}) for name in ("one", "two")}
    names = [f"s{number}" for number in range(6)]
    scripts = [entry("script", name, name, variations=both) for name in names]
    needs = tuple(need(name, f"{name},_one,_two") for name in names)
    made = planned(entry("script", "app", "app", requires=needs), *scripts)
    lock = make_lock(made)
    only = {item.role: item.only for item in lock_requirements(lock, "my.lock")}
    assert only == {"target": "script:app", **{name: f"script:{name}" for name in names}}
    assert (
        drift(
            lock, planned(entry("script", "app", "app", requires=needs), *scripts, locked=lock_requirements(lock, ""))
        )
        == []
    )
    changed = replace(lock, nodes=tuple(replace(node, version="9") for node in reversed(lock.nodes)))
    wanted = [
        f"{place}: version was 9, is nothing"
        for place in ("script:app", *(f"script:{name},_one,_two" for name in names))
    ]
    assert drift(changed, made) == wanted


def test_drift_names_the_path_of_a_file_of_the_component():
    made = planned(entry("package", "app", "app", fetch=(Fetch(path="a/file"),)))
    [node] = made.nodes
    now = replace(made, nodes=(replace(node, provision=Fetched(files=(Fetch(path="b/file"),))),))
    assert drift(make_lock(made), now) == ["package:app: fetch was a/file, is b/file"]


def test_drift_names_what_came_and_what_went(repo: Repo, home: Path):
    lock = make_lock(_plan(home))
    repo.package("locks-more", "locks,more", files={"more": "x"})
    repo.program("locks-app", "locks,app", run_deps={"tool": {"tags": "locks,tool"}, "more": {"tags": "locks,more"}})
    differences = drift(lock, _plan(home))

    assert "script:locks-step,_a is no longer in the plan" in differences
    assert "package:locks-more is new in the plan" in differences
