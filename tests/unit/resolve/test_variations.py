"""Variations that bring in others, and those that cannot stand beside each other."""

from typing import Any

import pytest

from benchloom.model.component import Fetch, Variation
from benchloom.model.plan import Plan
from benchloom.resolve.lock import drift, lock_requirements, make_lock
from benchloom.resolve.variations import choose
from support.components import BUILT, entry, need, planned


def variations(**fields: dict[str, Any]) -> dict[str, Variation]:
    return {name: Variation(name=name, **items) for name, items in fields.items()}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"on": {"default": True, "base": ("b",)}, "b": {"group": "g"}, "a": {"group": "g"}}, "_a"),
        ({"on": {"default": True, "base": ("b",)}, "b": {}}, "-_b"),
        ({"on": {"default": True, "base": ("missing",)}}, ""),
        ({"on": {"default": True, "base": ("b",)}, "b": {"env": {"K": "1"}}, "a": {"env": {"K": "2"}}}, "_a"),
    ],
)
def test_default_whose_base_does_not_fit_is_left_out_and_the_lock_holds(table: dict[str, Any], words: str):
    thing = entry("package", "app", "app", install=BUILT, variations=variations(**table))

    def made(**overrides: Any) -> Plan:
        return planned(thing, query=f"app,{words}", **overrides)

    plan = made()
    assert "on" not in plan.nodes[0].candidate.variations
    lock = make_lock(plan)
    assert drift(lock, made(locked=lock_requirements(lock, "loom.lock.json"))) == []


def test_default_brings_its_bases_and_the_defaults_of_their_groups():
    table = variations(
        first={"group": "g", "default_variations": {"h": "second"}},
        second={"group": "h", "base": ("third",)},
        third={"default_variations": {"i": "fourth"}},
        fourth={"group": "i"},
        other={"group": "i"},
    )
    thing = entry("package", "x", "x", variations=table, default_variations={"g": "first"})
    assert choose(thing, ()).variations == ("first", "fourth", "second", "third")
    assert choose(thing, ("other",)).variations == ("first", "other", "second", "third")


@pytest.mark.parametrize(
    ("field", "one", "other", "problem"),
    [
        (
            "fetch",
            (Fetch(url="http://x/1"),),
            (Fetch(url="http://x/2"),),
            "variations 'a' and 'b' fetch different files",
        ),
        ("version", "1", "2", "variations 'a' and 'b' are of different versions"),
        ("pip", "one", "two", "variations 'a' and 'b' install different distributions"),
    ],
)
def test_what_a_component_has_once_is_stated_by_one_variation(field: str, one: Any, other: Any, problem: str):
    def choice(wanted: str, **last: Any) -> Any:
        table = variations(a={field: one}, b={field: other, **last}, c={}, d={field: one})
        return choose(entry("package", "x", "x", variations=table), wanted)

    assert choice("ab").problem == problem
    assert getattr(choice("acd"), field) == one
    assert getattr(choice("bc"), field) == other
    assert getattr(choice("cd"), field) == one
    assert (choice("a", default=True).variations, getattr(choice("a", default=True), field)) == (("a",), one)


def test_variations_that_set_one_variable_alike_go_together_and_add_what_they_need():
    table = variations(
        b={"env": {"K": "1"}, "requires": (need("b", "b"),), "tags": ("y",)},
        a={"env": {"K": "1", "A": "2"}, "requires": (need("a", "a"),), "tags": ("x", "y")},
    )
    found = choose(entry("package", "x", "x", variations=table, env={"K": "0", "L": "3"}), ("b", "a"))
    assert (found.env, found.tags) == ({"K": "1", "L": "3", "A": "2"}, ("x", "y"))
    assert [item.role for item in found.requires] == ["a", "b"]


def test_excluded_alias_excludes_what_it_stands_for():
    table = variations(on={"default": True}, other={"alias": "on"})
    assert choose(entry("package", "x", "x", variations=table), (), ("other",)).variations == ()


def test_first_problem_is_reported_and_a_component_without_variations_says_so():
    found = choose(entry("package", "x", "x"), ("nothing", "missing"))
    assert found.problem == "it has no variation 'missing' (it has: none)"
