"""Answers to the requirements on one role: of which repository, in which order, and whether one still answers another requirement."""

from typing import Any

import pytest
from msgspec.structs import replace

from benchloom.index.index import Index
from benchloom.index.read import EntryReading
from benchloom.index.repositories import Repository
from benchloom.model.component import Component, Install, Requirement, Variation, Version
from benchloom.model.detect import Detect, PythonModule
from benchloom.model.facts import Model
from benchloom.model.plan import Candidate
from benchloom.resolve.host import HostFacts, Installed, Overrides
from benchloom.resolve.options import Examiner, Option
from support.components import BUILT, PLATFORM, entry, need, universe

SIZES = {
    "big": Variation(name="big", group="size", env={"S": "big"}, tags=("large",)),
    "small": Variation(name="small", group="size", env={"S": "small"}, default=True),
    "fast": Variation(name="fast"),
    "quick": Variation(name="quick", alias="fast"),
}
THING = entry(
    "package",
    "thing",
    "thing,tool",
    family="soft:thing",
    install=BUILT,
    variations=SIZES,
    versions=(Version(version="1"), Version(version="2")),
)


def option(words: str, version: str = "1", **env: str) -> Option:
    found = Examiner(universe(THING), HostFacts(platform=PLATFORM), Overrides(), "running").examine(
        [need("r", f"thing,{words},@{version}", env=env)]
    )
    [only] = found.options
    return only


@pytest.mark.parametrize(
    ("words", "fields", "is_answered"),
    [
        ("thing", {}, True),
        ("thing,tool,_small,@1", {}, True),
        ("other", {}, False),
        ("thing,-tool", {}, False),
        ("thing,_big", {}, False),
        ("thing,_huge", {}, False),
        ("thing,large", {}, False),  # a tag that the other variation adds
        ("thing,big", {}, False),  # a word that means the other variation
        ("thing,small", {}, True),
        ("thing,_quick", {}, False),
        ("thing,-_small", {}, False),
        ("thing,-_big", {}, True),
        ("thing,@>=2", {}, False),
        ("thing", {"only": "package:thing"}, True),
        ("thing", {"only": "soft:thing"}, True),
        ("thing", {"only": "package:other"}, False),
        ("thing", {"env": {"S": "small"}}, True),
        ("thing", {"env": {"S": "big"}}, False),
        ("thing", {"env": {"T": "1"}}, False),
    ],
)
def test_option_answers_a_further_requirement(words: str, fields: dict[str, Any], is_answered: bool):
    examiner = Examiner(universe(THING), HostFacts(platform=PLATFORM), Overrides(), "running")
    assert examiner.answers(option(""), need("r", words, **fields)) is is_answered
    both = [need("r", "thing,@1"), need("r", words, **fields)]
    if not fields and words not in {"thing,_big", "thing,big", "thing,large", "thing,_quick", "thing,-_small"}:
        assert bool(examiner.examine(both).options) is is_answered  # what chooses anew aside


def test_option_of_a_variation_answers_its_alias_and_its_tag():
    examiner = Examiner(universe(THING), HostFacts(platform=PLATFORM), Overrides(), "running")
    assert examiner.answers(option("_fast"), need("r", "thing,_quick"))
    assert examiner.answers(option("_big"), need("r", "thing,large"))
    assert examiner.answers(option("", T="1"), need("r", "thing", env={"T": "1"}))


def test_variable_of_the_command_line_answers_whoever_sets_it_otherwise():
    examiner = Examiner(universe(THING), HostFacts(platform=PLATFORM), Overrides(env={"S": "own"}), "running")
    [found] = examiner.examine([need("r", "thing,@1")]).options
    assert found.choice.env == {"S": "own"}
    assert examiner.answers(found, need("r", "thing", env={"S": "big"}))


def of(repo: str, alias: str = "", **fields: Any) -> Component:
    return replace(entry("package", alias or repo, "thing", install=BUILT, **fields), repo=repo)


def chosen(
    *components: Component,
    repositories: dict[str, int],
    requirements: tuple[Requirement, ...] = (need("r", "thing"),),
    everywhere: bool = False,
    mode: str = "running",
) -> tuple[list[str], list[str]]:
    """Return the components that answer, and those that were refused; ``repositories`` are priorities by alias, in their order."""
    found = Index(
        tuple(Repository(alias=name, path=f"/{name}", priority=priority) for name, priority in repositories.items()),
        [EntryReading(component=item, findings=()) for item in components],
    )
    options = Examiner(found, HostFacts(platform=PLATFORM), Overrides(), mode).examine(
        requirements, everywhere=everywhere
    )
    return [item.component.ref for item in options.options], [item.component for item in options.refusals]


def test_first_repository_answers_unless_another_has_a_higher_priority_or_asks():
    both = (of("a", priority=0), of("b", priority=9))
    assert chosen(*both, repositories={"a": 0, "b": 0})[0] == ["package:a"]
    assert chosen(*both, repositories={"b": 0, "a": 0})[0] == ["package:b"]
    assert chosen(*both, repositories={"a": 0, "b": 1})[0] == ["package:b"]
    assert chosen(*both, repositories={"a": 0, "b": 0}, everywhere=True)[0] == ["package:b", "package:a"]
    asking = (need("r", "thing", "package:b"),)
    assert chosen(*both, repositories={"a": 0, "b": 0}, requirements=asking)[0] == ["package:b"]
    assert chosen(*both, repositories={"a": 1, "b": 0}, requirements=asking)[0] == ["package:a"]


def test_refusals_are_those_of_the_repository_that_answers():
    wanted = (need("r", "thing,@>=2"),)
    old, new = (Version(version="1"),), (Version(version="2"),)
    found = (of("a", versions=old), of("b", versions=new), of("b", "c", versions=old))
    assert chosen(*found, repositories={"a": 0, "b": 0}, requirements=wanted) == (["package:b"], ["package:c"])
    assert chosen(*found[:1], repositories={"a": 0}, requirements=wanted) == ([], ["package:a"])
    none = (need("r", "thing,@>=3"),)
    assert chosen(*found, repositories={"a": 0, "b": 0}, requirements=none)[1] == [
        "package:a",
        "package:b",
        "package:c",
    ]


def test_library_that_another_interpreter_would_have_keeps_its_repository_first():
    """Else the plan would take another repository's answer before it tried an environment of its own."""
    library = replace(entry("package", "a", "thing", install=Install(pip="a")), repo="a")
    found = (library, of("b"))
    assert chosen(*found, repositories={"a": 0, "b": 0}) == ([], ["package:a"])
    assert chosen(*found, repositories={"a": 0, "b": 0}, mode="isolated") == (["package:a"], [])
    assert chosen(*found, repositories={"b": 0, "a": 0})[0] == ["package:b"]


def labels(
    *components: Component, query: str = "thing", detected: tuple[Candidate, ...] = (), **facts: Any
) -> list[str]:
    host = HostFacts(platform=PLATFORM, detected=detected, **facts)
    found = Examiner(universe(*components), host, Overrides(), "running").examine([need("r", query)])
    return [item.candidate.label.removeprefix("package:") for item in found.options]


VERSIONS = tuple(Version(version=version) for version in ("1", "3", "2"))


def test_default_version_comes_first_then_what_is_installed_then_the_newest():
    thing = entry("package", "x", "thing", install=BUILT, versions=VERSIONS)
    assert labels(thing) == ["x @3 (installable)", "x @2 (installable)", "x @1 (installable)"]
    installed = frozenset([Installed(component="package:x", version="1")])
    assert labels(thing, installed=installed) == ["x @1 (installed)", "x @3 (installable)", "x @2 (installable)"]
    default = replace(thing, default_version="2.0")
    assert labels(default, installed=installed) == ["x @2 (installable)", "x @1 (installed)", "x @3 (installable)"]


def test_component_that_is_default_for_the_query_comes_first_then_what_is_there_then_priority():
    def thing(alias: str, **fields: Any) -> Component:
        return entry("package", alias, "thing,more", install=BUILT, **fields)

    plain, high = thing("a"), thing("b", priority=1)
    assert labels(plain, high) == ["b (installable)", "a (installable)"]
    installed = frozenset([Installed(component="package:a")])
    assert labels(plain, high, installed=installed) == ["a (installed)", "b (installable)"]
    default = thing("c", default_for=("thing,more",))
    assert labels(default, high, query="thing") == ["b (installable)", "c (installable)"]
    assert labels(default, high, query="more,thing") == ["c (installable)", "b (installable)"]


def test_versions_are_compared_within_a_family_only():
    def thing(alias: str, family: str, version: str) -> Component:
        return entry("package", alias, "thing", family=family, install=BUILT, versions=(Version(version=version),))

    first, second, third = thing("a", "soft:g", "1"), thing("b", "soft:f", "2"), thing("c", "soft:f", "3")
    assert [label[:1] for label in labels(first, second, third)] == ["c", "b", "a"]


def test_soft_answers_with_what_was_found_and_a_library_in_the_running_interpreter_only():
    found = Candidate(component="soft:lib", family="soft:lib", version="1", origin="detected")
    soft = entry("soft", "lib", "thing", detect=Detect(python=PythonModule(distribution="lib")))
    assert labels(soft, detected=(found,)) == ["soft:lib @1 (detected)"]
    assert labels(soft) == []
    isolated = Examiner(universe(soft), HostFacts(platform=PLATFORM, detected=(found,)), Overrides(), "isolated")
    assert isolated.examine([need("r", "thing")]).options == ()
    assert isolated.met_library


def test_version_for_another_python_is_refused():
    versions = (Version(version="1"), Version(version="2", requires_python=">=3.12"))
    assert labels(entry("package", "x", "thing", install=BUILT, versions=versions)) == ["x @1 (installable)"]


def refused(component: Component, *requirements: Requirement) -> tuple[list[str], list[tuple[str, str]]]:
    """Return what answers, and kind and reason of what was refused."""
    found = Examiner(universe(component), HostFacts(platform=PLATFORM), Overrides(), "running").examine(requirements)
    return [item.component.ref for item in found.options], [(item.kind, item.reason) for item in found.refusals]


def test_requirers_that_set_one_variable_differently_have_no_answer():
    one, other = (need("r", "thing", f"package:{name}", env={"S": name}) for name in "ab")
    alike = need("r", "thing", "package:c", env={"S": "a", "T": "1"})
    assert refused(THING, one, other) == ([], [("env", "package:a sets its S to 'a', package:b to 'b'")])
    assert refused(THING, other, one) == refused(THING, one, other)
    assert refused(THING, one, alike)[0] == ["package:thing"] * 2


def test_random_weights_answer_only_who_asks_for_them():
    weights = Model(name="m", task="t", format="onnx", precision="fp32", inputs=(), outputs=(), weights="random")
    model = entry("package", "m", "thing,random-weights", family="soft:m", install=BUILT, model=weights)
    assert refused(model, need("r", "thing,random-weights")) == (["package:m"], [])
    assert refused(model, need("r", "thing", only="package:m")) == (["package:m"], [])
    [(kind, reason)] = refused(model, need("r", "thing"))[1]
    assert (kind, refused(model, need("r", "thing"))[0]) == ("random-weights", [])
    assert "random-weights is requested" in reason
    assert refused(model, need("r", "thing", only="soft:m"))[0] == []
    assert refused(replace(model, model=replace(weights, weights="trained")), need("r", "thing"))[0] == ["package:m"]


def test_work_for_another_tool_is_refused_with_its_reason():
    foreign = replace(THING, foreign_work="its customize.py is for ck")
    assert refused(foreign, need("r", "thing")) == ([], [("foreign", "its customize.py is for ck")])


def test_versions_that_do_not_fit_are_refused_one_by_one():
    assert refused(THING, need("r", "thing,@>=1.5,<2"))[1] == [
        ("range", "version 1 does not satisfy >=1.5"),
        ("range", "version 2 does not satisfy <2"),
    ]
    plain = entry("package", "x", "thing", install=BUILT)
    reason = "its version is unknown, so it may not satisfy >=1"
    assert refused(plain, need("r", "thing,@>=1")) == ([], [("unknown-version", reason)])
    absent = entry("soft", "x", "thing")
    assert refused(absent, need("r", "thing")) == ([], [("absent", "it was not found on this machine")])
    assert refused(THING, need("r", "thing,_big,_small"))[1] == [
        ("variation", "variations 'big' and 'small' are both in group 'size'")
    ]
