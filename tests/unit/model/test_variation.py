import pytest
from msgspec.structs import replace

from benchloom.model.component import Component, Fetch, Requirement, Variation
from benchloom.model.facts import Layout, Profile, Step
from benchloom.model.query import Query
from benchloom.model.variation import find_variation, laid_out, profile_of

NEED = Requirement(role="r", query=Query(tags=("n#",)), requirer="package:x", where="f: variations.batch.#.deps")
COMPONENT = Component(
    kind="package",
    alias="x",
    uid="",
    repo="t",
    path="package/x",
    file="package/x/.cm/meta.json",
    variations={
        "small": Variation(name="small"),
        "tiny": Variation(name="tiny", alias="small"),
        "loop": Variation(name="loop", alias="loop"),
        "batch.#": Variation(name="batch.#", env={"B": "#"}, fetch=(Fetch(url="http://x/#"),), requires=(NEED,)),
        "version.#": Variation(name="version.#", version="#", group="v"),
        "batch.size.#": Variation(name="batch.size.#"),
    },
)


def test_find_variation_by_name_and_alias():
    for name, expected in (("small", "small"), ("tiny", "small"), ("loop", "loop")):
        found = find_variation(COMPONENT, name)
        assert found is not None
        assert found.name == expected


def test_find_variation_fills_in_the_value_everywhere_but_in_places():
    found = find_variation(COMPONENT, "batch.4")

    assert found is not None
    assert (found.name, found.group, found.env) == ("batch.4", "batch.#", {"B": "4"})
    assert found.fetch[0].url == "http://x/4"
    assert found.requires[0].query.tags == ("n4",)
    assert found.requires[0].where == NEED.where


def test_find_variation_value_may_hold_dots_and_the_longest_name_wins():
    version = find_variation(COMPONENT, "version.1.5.1")
    size = find_variation(COMPONENT, "batch.size.8")

    assert version is not None
    assert (version.version, version.group) == ("1.5.1", "v")
    assert size is not None
    assert (size.name, size.env) == ("batch.size.8", {})  # not batch.# with the value size.8
    both = find_variation(COMPONENT, "batch.size.1.5")
    assert both is not None
    assert (both.name, both.env, both.group) == ("batch.size.1.5", {}, "batch.size.#")


def test_find_variation_unknown_or_parameter_without_value_is_none():
    assert [find_variation(COMPONENT, name) for name in ("smal", "batch", "batch.#", "version.#", "x.4")] == [None] * 5


def test_profile_of_the_last_variation_that_has_one_takes_the_place_of_the_components():
    own, other, last = (Profile(name=name, steps=(), shape=(1,), dtype="float32") for name in ("own", "other", "last"))
    varied = {"other": other, "plain": None, "last": last}
    variations = {name: Variation(name=name, profile=profile) for name, profile in varied.items()}
    component = replace(COMPONENT, profile=own, variations=variations)

    assert profile_of(component, ()) == own
    assert profile_of(component, ("plain",)) == own
    assert profile_of(component, ("other", "plain")) == other
    assert profile_of(component, ("other", "last")) == last
    assert profile_of(replace(component, profile=None), ("plain",)) is None


@pytest.mark.parametrize(
    ("own", "wanted", "shape"), [("NCHW", "NHWC", (4, 5, 3)), ("NHWC", "NCHW", (5, 3, 4)), ("NCHW", "NCHW", (3, 4, 5))]
)
def test_layout_moves_the_channels_and_nothing_else(own: Layout, wanted: Layout, shape: tuple[int, ...]):
    steps = (Step(op="decode", colour="rgb"), Step(op="transpose", layout=own), Step(op="cast", dtype="float32"))
    found = laid_out(Profile(name="p", steps=steps, shape=(3, 4, 5), dtype="float32"), wanted)
    assert (found.shape, found.layout) == (shape, wanted)
    assert (found.steps[0], found.steps[2]) == (steps[0], steps[2])


def test_sample_without_a_transposition_has_its_channels_last():
    profile = Profile(name="p", steps=(Step(op="decode"),), shape=(4, 5, 3), dtype="uint8")
    assert laid_out(profile, "NHWC") == profile
    found = laid_out(profile, "NCHW")
    assert (found.shape, [step.op for step in found.steps]) == ((3, 4, 5), ["decode", "transpose"])
