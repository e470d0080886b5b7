"""Laws of variations: what is chosen fits together, has its bases, is what was asked for, and chooses itself again."""

from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from benchloom.model.base import to_json
from benchloom.model.component import Component, Fetch, Variation
from benchloom.model.variation import find_variation
from benchloom.resolve.variations import Choice, choose
from support.components import entry, need

NAMES = "abcdef"
GROUPS = "gh"
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "group": st.sampled_from(GROUPS),
        "default": st.booleans(),
        "env": st.dictionaries(st.sampled_from("KL"), st.sampled_from("12"), max_size=2),
        "base": st.sets(st.sampled_from(NAMES), max_size=2).map(sorted).map(tuple),
        "tags": st.sets(st.sampled_from(["t", "u"])).map(sorted).map(tuple),
        "fetch": st.sampled_from(["http://x/1", "http://x/2"]).map(lambda url: (Fetch(url=url),)),
        "version": st.sampled_from("12"),
        "pip": st.sampled_from(["one", "two"]),
        "requires": st.sampled_from("rs").map(lambda role: (need(role, role),)),
        "default_variations": st.dictionaries(st.sampled_from(GROUPS), st.sampled_from(NAMES), max_size=1),
    },
)
DEFAULTS = st.dictionaries(st.sampled_from(GROUPS), st.sampled_from(NAMES), max_size=2)
WANTED = st.sets(st.sampled_from([*NAMES, "alias", "p.1", "p.2"]), max_size=3)


def _component(drawn: dict[str, dict[str, Any]], defaults: dict[str, str]) -> Component:
    variations = {name: Variation(name=name, **fields) for name, fields in drawn.items()}
    variations["p.#"] = Variation(name="p.#", env={"K": "#"})
    variations["alias"] = Variation(name="alias", alias="a")
    # A default of a group is a member of it; anything else is a mistake that lint finds.
    in_group = {group: name for group, name in defaults.items() if name in drawn and drawn[name].get("group") == group}
    return entry("package", "x", "x", variations=variations, default_variations=in_group, env={"K": "0", "M": "0"})


COMPONENTS = st.builds(_component, st.dictionaries(st.sampled_from(NAMES), FIELDS, min_size=2), DEFAULTS)


def _chosen(component: Component, choice: Choice) -> list[Variation]:
    found = [find_variation(component, name) for name in choice.variations]
    assert None not in found
    return [item for item in found if item is not None]


@given(COMPONENTS, WANTED, WANTED)
def test_choice_fits_together_and_is_what_was_asked_for(component: Component, wanted: set[str], excluded: set[str]):
    choice = choose(component, wanted, excluded)
    event("problem" if choice.problem else "choice")
    if choice.problem:
        assert wanted
        return
    chosen = _chosen(component, choice)
    names = [item.name for item in chosen]
    assert names == sorted(set(names))
    assert {find_variation(component, name).name for name in wanted} <= set(names)  # type: ignore[union-attr]
    assert not {found.name for name in excluded if (found := find_variation(component, name))} & set(names)
    groups = [item.group for item in chosen if item.group]
    assert len(groups) == len(set(groups))
    assert {base for item in chosen for base in item.base} <= set(names)
    assert all(choice.env[key] == text for item in chosen for key, text in item.env.items())
    assert {**component.env, **{key: text for item in chosen for key, text in item.env.items()}} == choice.env
    for field in ("fetch", "version", "pip"):
        assert len({getattr(item, field) for item in chosen} - {"", ()}) <= 1
    assert choice.requires == tuple(found for item in chosen for found in item.requires)
    assert choice.tags == tuple(sorted({tag for item in chosen for tag in item.tags}))


@given(COMPONENTS, WANTED, WANTED)
def test_order_and_repetition_do_not_matter(component: Component, wanted: set[str], excluded: set[str]):
    words, others = sorted(wanted), sorted(excluded)
    turned = replace(component, variations=dict(reversed(component.variations.items())))
    assert choose(turned, [*words[::-1], *words], others[::-1]) == choose(component, words, others)


@given(COMPONENTS, WANTED, WANTED)
def test_what_was_chosen_chooses_itself_again(component: Component, wanted: set[str], excluded: set[str]):
    """A lock names all variations of a node, those that were chosen by default, too."""
    choice = choose(component, wanted, excluded)
    if not choice.problem:
        assert to_json(choose(component, choice.variations, excluded)) == to_json(choice)


@given(COMPONENTS, WANTED)
def test_default_that_is_not_chosen_would_not_fit(component: Component, wanted: set[str]):
    choice = choose(component, wanted)
    if choice.problem:
        return
    for item in component.variations.values():
        if item.default and item.name not in choice.variations:
            assert choose(component, {*choice.variations, item.name}).problem
