"""Plans: their one Python environment, their order, and what will be done about each node."""

from typing import Any

import pytest
from msgspec.structs import replace

from benchloom.errors import ResolutionError
from benchloom.model.component import Component, Fetch, Install, Program, Variation, Version
from benchloom.model.detect import Detect, PythonModule
from benchloom.model.plan import Candidate, Plan
from benchloom.resolve.host import HostFacts
from support.components import BUILT, PLATFORM, entry, need, planned

LIBRARIES = ("lib-b", "lib-a", "lib-c")


def library(name: str, **fields: Any) -> Component:
    versions = (Version(version="1"), Version(version="2"))
    return entry("package", name, name, family=f"soft:{name}", versions=versions, install=Install(pip=name, **fields))


def with_libraries(**facts: Any) -> Plan:
    app = entry("script", "app", "app", requires=tuple(need(name, name) for name in LIBRARIES))
    softs = [entry("soft", name, name, detect=Detect(python=PythonModule(distribution=name))) for name in LIBRARIES]
    return planned(app, *map(library, LIBRARIES), *softs, host=HostFacts(platform=PLATFORM, **facts))


def test_libraries_share_one_environment_which_is_installed_once():
    plan = with_libraries()
    python = plan.nodes[0]
    assert (python.id, python.action, python.provision.pip) == (
        "python",
        "install",
        ("lib-a==2", "lib-b==2", "lib-c==2"),
    )
    assert (python.candidate.origin, python.candidate.version, python.bytes) == ("installable", "3.11", None)
    assert python.provision.built_among == {}
    assert [node.id for node in plan.nodes[1:]] == ["package:lib-a", "package:lib-b", "package:lib-c", "script:app"]
    assert {node.action for node in plan.nodes[1:4]} == {"install"}

    again = with_libraries(stored=frozenset([python.key]))
    assert again.nodes[0].key == python.key
    assert (again.nodes[0].action, again.nodes[0].candidate.origin, again.nodes[0].bytes) == ("reuse", "installed", 0)
    assert {node.action for node in again.nodes[:4]} == {"reuse"}


def test_libraries_of_the_running_interpreter_are_used_where_all_are_there():
    def found(*names: str) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(component=f"soft:{n}", family=f"soft:{n}", version="7", origin="detected") for n in names
        )

    python = with_libraries(detected=found(*LIBRARIES)).nodes[0]
    assert (python.action, python.key, python.candidate.origin, python.bytes) == ("reuse", "", "detected", 0)
    assert python.provision.pip == ("lib-a==7", "lib-b==7", "lib-c==7")
    python = with_libraries(detected=found("lib-a", "lib-b")).nodes[0]
    assert (python.action, python.candidate.origin) == ("install", "installable")
    assert python.reason.endswith(": it lacks soft:lib-c")


def test_requirements_that_a_library_does_not_state_are_installed_where_their_markers_hold():
    stated = ("numpy<2", "old; python_version<'3.11'", "posix>=1; sys_platform=='linux'")
    plan = planned(entry("script", "app", "app", requires=(need("l", "lib"),)), library("lib", unstated=stated))
    assert plan.nodes[0].provision.pip == ("lib==2", "numpy<2", "posix>=1")
    assert plan.nodes[0].provision.built_among == {"lib==2": ("numpy<2", "posix>=1")}


def test_nodes_come_after_their_needs_and_else_by_name():
    parts = [entry("script", name, name, requires=tuple(need(n, n) for n in needs)) for name, needs in {
        "app": "dcba", "a": "", "b": "d", "c": "", "d": "",
    }.items()]  # fmt: skip
    assert [node.id for node in planned(*parts).nodes] == [f"script:{n}" for n in ("a", "c", "d", "b", "app")]


def test_circle_is_named_from_its_first_member():
    parts = [entry("script", name, name, requires=tuple(need(f"role-{n}", n) for n in needs)) for name, needs in {
        "app": ["z"], "z": ["b"], "b": ["c"], "c": ["z", "leaf"], "leaf": [],
    }.items()]  # fmt: skip
    with pytest.raises(ResolutionError, match="in a cycle") as caught:
        planned(*parts)
    assert caught.value.details == {"circle": ["script:b", "script:c", "script:z"]}
    assert caught.value.why[0] == "script:b needs script:c as role-c (package:app: role-c)"


@pytest.mark.parametrize(
    ("fetch", "size", "action"),
    [
        ((Fetch(url="u", size=3), Fetch(url="v", size=4)), 7, "fetch"),
        ((Fetch(url="u", size=3), Fetch(url="v")), None, "fetch"),
        ((Fetch(path="p", size=3), Fetch(url="v", size=4, archive="zip")), 4, "extract"),
        ((Fetch(path="p"),), 0, "fetch"),
    ],
)
def test_download_is_of_the_sizes_that_are_stated(fetch: tuple[Fetch, ...], size: int | None, action: str):
    [node] = planned(entry("package", "app", "app", fetch=fetch)).nodes
    assert (node.bytes, node.action, node.fetch) == (size, action, fetch)
    stored = HostFacts(platform=PLATFORM, stored=frozenset([node.key]))
    [node] = planned(entry("package", "app", "app", fetch=fetch), host=stored).nodes
    assert (node.bytes, node.action, node.candidate.origin) == (0, "reuse", "installed")


def test_inputs_that_a_component_reads_are_in_its_environment_and_key():
    reads = entry("package", "app", "app", install=Install(script="x.py", reads_inputs=("labels", "other")))
    plain = planned(reads).nodes[0]
    given = planned(reads, inputs={"labels": "/a", "more": "x", "other": ""}).nodes[0]
    assert (plain.env, given.env) == ({}, {"LOOM_INPUT_LABELS": "/a"})
    assert given.key != plain.key

    def of_file(digest: str, path: str) -> str:
        host = HostFacts(platform=PLATFORM, input_files={"labels": digest})
        return planned(reads, inputs={"labels": path}, host=host).nodes[0].key

    assert of_file("1", "/a") == of_file("1", "/b") != of_file("2", "/a")  # of a file, the content counts
    assert planned(entry("package", "app", "app", install=BUILT), inputs={"labels": "/a"}).nodes[0].env == {}


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ({"install": Install(script="x.py")}, "build"),
        ({"install": Install(module="benchloom.x")}, "build"),
        ({"install": Install(script="x.py"), "fetch": (Fetch(url="u"),)}, "build"),
        ({"program": Program(commands=())}, "run"),
        ({}, "reuse"),
    ],
)
def test_action_follows_from_what_a_component_brings(fields: dict[str, Any], action: str):
    plan = planned(entry("package", "app", "app", **fields))
    assert [node.action for node in plan.nodes] == [action]


def test_result_of_a_module_is_another_if_the_module_is():
    component = entry("package", "app", "app", install=Install(module="benchloom.x"))
    keys = {
        planned(component, host=HostFacts(platform=PLATFORM, modules={"benchloom.x": d})).nodes[0].key for d in "aab"
    }
    assert len(keys) == 2


def test_download_is_the_versions_own_or_the_components():
    own, common = (Fetch(url="own"),), (Fetch(url="common"),)
    versions = (Version(version="1"), Version(version="2", fetch=own))
    thing = entry("package", "app", "app", fetch=common, versions=versions)
    assert planned(thing, query="app,@1").nodes[0].fetch == common
    assert planned(thing, query="app,@2").nodes[0].fetch == own


def test_what_is_found_is_neither_fetched_nor_made_and_has_no_key():
    found = Candidate(component="package:app", family="package:app", origin="detected", location="/x")
    host = HostFacts(platform=PLATFORM, detected=(found,))
    thing = entry(
        "package", "app", "app", fetch=(Fetch(url="u", size=3),), install=BUILT, requires=(need("n", "none"),)
    )
    [node] = planned(thing, host=host).nodes
    assert (node.action, node.fetch, node.key, node.bytes, node.needs) == ("detect", (), "", 0, {})
    assert node.candidate == found


def test_node_is_called_by_its_variations_and_names_another_repository():
    variations = {name: Variation(name=name) for name in "ab"}
    [node] = planned(entry("package", "app", "app", variations=variations, install=BUILT), query="app,_b,_a").nodes
    assert (node.id, node.repo) == ("package:app,_a,_b", "t")


def test_pip_name_is_the_variations_the_packages_or_the_softs():
    variations = {"gpu": Variation(name="gpu", pip="lib-gpu")}
    lib = replace(library("lib"), variations=variations)
    app = entry("script", "app", "app", requires=(need("l", "lib,_gpu"),))
    assert planned(app, lib).nodes[0].provision.pip == ("lib-gpu==2",)
    soft = entry("soft", "lib", "lib", detect=Detect(python=PythonModule(distribution="distributed")))
    found = Candidate(component="soft:lib", family="soft:lib", version="7", origin="detected")
    app = entry("script", "app", "app", requires=(need("l", "lib"),))
    assert planned(app, soft, host=HostFacts(platform=PLATFORM, detected=(found,))).nodes[0].provision.pip == (
        "distributed==7",
    )


def test_needs_are_sorted_by_role_with_the_environment_among_them():
    needs = (need("z", "z"), need("lib", "lib"), need("a", "a"))
    parts = (entry("package", name, name, install=BUILT) for name in "az")
    plan = planned(entry("script", "app", "app", install=BUILT, requires=needs), *parts, library("lib"))
    wanted = {"a": "package:a", "lib": "package:lib", "python": "python", "z": "package:z"}
    assert list(plan.node("script:app").needs.items()) == list(wanted.items())
