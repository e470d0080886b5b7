"""How what was chosen comes to be, and what a node carries of it: enough to execute it."""

from typing import Any

import msgspec
import pytest

from benchloom.model.base import to_json
from benchloom.model.component import Check, Command, Fetch, Input, Install, Program, Variation, Version
from benchloom.model.detect import Detect, PythonModule
from benchloom.model.facts import Profile
from benchloom.model.plan import Candidate, Plan
from benchloom.model.provision import (
    Built,
    Detected,
    Fetched,
    InEnvironment,
    InPlace,
    Provision,
    PythonEnvironment,
    Run,
)
from benchloom.resolve.host import HostFacts
from support.components import PLATFORM, entry, need, planned

FILE = Fetch(url="http://x/y", digest="sha256:11", size=3)
PROGRAM = Program(
    commands=(Command(name="", text="run it", env={"B": "command", "C": "command"}), Command(name="other", text="x")),
    env={"A": "program", "B": "program"},
    inputs=(Input(name="n", summary="n"),),
    results="out.json",
    timeout=7.0,
    check=Check(run_cmd_main="check it", before=("data",)),
)


@pytest.mark.parametrize(
    ("fields", "provision"),
    [
        ({"result": "a"}, InPlace(result="a")),
        ({"fetch": (FILE,), "result": "a"}, Fetched(files=(FILE,), result="a")),
        ({"versions": (Version(version="1", fetch=(FILE,)),)}, Fetched(files=(FILE,))),
        ({"versions": (Version(version="1"),)}, InPlace()),
        ({"install": Install(script="b.py"), "result": "a"}, Built(script="b.py", result="a")),
        (
            {"install": Install(module="m", arguments=("x",)), "fetch": (FILE,)},
            Built(module="m", arguments=("x",), files=(FILE,)),
        ),
        ({"kind": "script", "install": Install(script="b.sh")}, Built(script="b.sh")),
        (
            {"program": PROGRAM},
            Run(
                command="run it",
                env={"A": "program", "B": "command", "C": "command"},
                results="out.json",
                timeout=7.0,
                check=PROGRAM.check,
            ),
        ),
        ({"kind": "script", "program": Program(commands=())}, Run(command="", shares_home=True)),
    ],
)
def test_provision_follows_from_what_a_component_brings(fields: dict[str, Any], provision: Provision):
    [node] = planned(entry(fields.pop("kind", "package"), "app", "app", **fields)).nodes
    assert node.provision == provision


def test_library_is_in_the_environment_wherever_that_comes_from():
    library = entry("package", "lib", "lib", install=Install(pip="lib", unstated=("numpy<2",)), family="soft:lib")
    soft = entry("soft", "lib", "lib", detect=Detect(python=PythonModule(distribution="lib")))
    app = entry("script", "app", "app", requires=(need("l", "lib"),))
    found = Candidate(component="soft:lib", family="soft:lib", version="7", origin="detected")

    installed = planned(app, msgspec.structs.replace(library, versions=(Version(version="2"),)))
    assert installed.node("package:lib").provision == InEnvironment(requirement="lib==2", built_among=("numpy<2",))
    assert installed.node("python").provision == PythonEnvironment(
        pip=("lib==2", "numpy<2"), built_among={"lib==2": ("numpy<2",)}
    )
    running = planned(app, soft, host=HostFacts(platform=PLATFORM, detected=(found,)))
    assert running.node("soft:lib").provision == InEnvironment(requirement="lib==7")
    assert running.node("python").provision == PythonEnvironment(pip=("lib==7",))
    assert running.environment is running.node("python")
    assert planned(entry("package", "app", "app")).environment is None


def test_what_is_found_is_detected_whatever_its_component_would_make():
    found = Candidate(component="package:app", family="package:app", origin="detected", location="/x")
    thing = entry("package", "app", "app", fetch=(FILE,), install=Install(script="b.py"))
    [node] = planned(thing, host=HostFacts(platform=PLATFORM, detected=(found,))).nodes
    assert node.provision == Detected()


def test_version_for_which_nothing_is_fetched_is_here():
    versions = (Version(version="1"), Version(version="2", fetch=(FILE,)))
    [node] = planned(entry("package", "app", "app", versions=versions), query="app,@1").nodes
    assert (node.provision, node.action, node.candidate.origin, node.bytes) == (InPlace(), "reuse", "installed", 0)


def test_node_carries_the_facts_of_its_variation_and_where_its_component_is():
    plain, varied = (Profile(name=name, steps=(), shape=(1,), dtype="uint8") for name in ("plain", "varied"))
    variations = {"other": Variation(name="other", profile=varied)}
    thing = entry("package", "app", "app", profile=plain, variations=variations, licence="MIT")
    assert planned(thing).nodes[0].facts.profile == plain
    [node] = planned(thing, query="app,_other").nodes
    assert node.facts.profile == varied
    assert (node.repo, node.path, node.file, node.licence) == (
        "t",
        "package/app",
        "package/app/.cm/meta.json",
        "MIT",
    )


def test_program_of_a_plan_is_its_target():
    other = entry("script", "other", "other", program=Program(commands=()))
    app = entry("program", "app", "app", program=PROGRAM, requires=(need("o", "other", "program:app"),))
    made = planned(app, other, target_only="program:app")
    assert [node.id for node in made.nodes] == ["script:other", "program:app"]
    assert made.program is made.node("program:app")
    assert planned(other, query="other").program is not None
    assert planned(entry("package", "app", "app")).program is None


def test_plan_survives_its_file_form():
    data = entry("package", "data", "data", fetch=(FILE,))
    made = entry("package", "made", "made", install=Install(module="m"), requires=(need("d", "data", "package:made"),))
    app = entry("script", "app", "app", program=PROGRAM, requires=(need("m", "made"), need("d", "data")))
    plan = planned(app, data, made)
    again = msgspec.json.decode(to_json(plan), type=Plan)
    assert again == plan
    assert to_json(again) == to_json(plan)


def test_keys_of_all_that_a_plan_has_are_those_that_plans_of_schema_1_had():
    """They were written down from the version before provisions: what is in the stores of users stays what it is."""
    data = entry("package", "data", "data", fetch=(FILE,), env={"A": "1"})
    place = entry("dataset", "place", "place", uid="0123456789abcdef")
    made = entry(
        "package",
        "made",
        "made",
        install=Install(module="m", arguments=("a",), reads_inputs=("n",)),
        versions=(Version(version="1"),),
        requires=tuple(need(name, name, "package:made") for name in ("data", "place", "found", "lib")),
    )
    lib = entry(
        "package", "lib", "lib", install=Install(pip="lib"), family="soft:lib", versions=(Version(version="2"),)
    )
    app = entry("script", "app", "app", program=Program(commands=()), requires=(need("made", "made"),))
    found = Candidate(
        component="soft:found", family="soft:found", version="3", origin="detected", location="/x", state="s"
    )
    host = HostFacts(platform=PLATFORM, modules={"m": "sha256:22"}, detected=(found,))
    plan = planned(app, data, place, entry("soft", "found", "found"), made, lib, host=host, inputs={"n": "5"})
    assert {node.id: node.key for node in plan.nodes} == {
        "python": "sha256-0a221d4d19f9b37f1cc03a885be8c4d548011c7d0d860f5db51d5e0fd3748efe",
        "dataset:place": "sha256-d5cd0c48e0c5bec1a72bc9916cf7f3adddfa44c13eee240a98f0d692c511a4fb",
        "package:data": "sha256-e7d95445e587640c6ae5d9cb069f8f0f74f736ca5b7934a084f2c90b6484d5fb",
        "package:lib": "sha256-5cb98ad0c4e563a116685929bdf171f21302cc6990a2ff3e55275ddbe6dc67b4",
        "soft:found": "",
        "package:made": "sha256-5f27b59292eee5701539fbd68fcc8e91f260661832680bcca866a2e54ffb8159",
        "script:app": "sha256-70ee755891db4b82ab582ddfcfafbc08f2296fb7fc04efa6e86c5fc898ed431c",
    }
