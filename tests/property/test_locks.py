"""Laws of locks: a plan made with its lock is the same plan, whatever else there is by then, and drift says each difference."""

from typing import Any

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from benchloom.errors import ResolutionError
from benchloom.model.base import to_json
from benchloom.model.component import Component, Fetch, Variation, Version
from benchloom.model.lock import Lock
from benchloom.model.plan import Plan
from benchloom.resolve.lock import drift, lock_requirements, make_lock
from support.components import BUILT, entry, need, planned

ROLES = 4
RANGES = ["", ",@>=2", ",@<3", ",@!=2", ",_a", ",_b", ",-_a"]
NEEDS = st.dictionaries(st.integers(1, ROLES - 1), st.sampled_from(RANGES), max_size=3)
VARIATIONS = {
    "a": Variation(name="a", group="g", env={"V": "a"}),
    "b": Variation(name="b", group="g", env={"V": "b"}, default_variations={"h": "c"}),
    "c": Variation(name="c", group="h", env={"W": "c"}, fetch=(Fetch(url="http://x/c"),)),
    "d": Variation(name="d", default=True, base=("b",)),
}
DRAWN = st.tuples(
    st.integers(0, ROLES - 1),  # the role whose tag it has
    st.integers(0, 2),  # its family
    st.sets(st.sampled_from("123"), max_size=3),
    st.sampled_from(["package", "script"]),
    st.dictionaries(st.sampled_from("gh"), st.sampled_from("ac"), max_size=1),
    NEEDS,
)


def _component(number: int, drawn: tuple[Any, ...], family_name: str) -> Component:
    role, family, versions, kind, defaults, needs = drawn
    return entry(
        kind,
        f"c{number}",
        f"t{role}",
        family=f"soft:{family_name}{family}" if kind == "package" else f"script:c{number}",
        priority=number,  # so that nothing is ambiguous
        versions=tuple(Version(version=version, env={"VERSION": version}) for version in sorted(versions)),
        variations=VARIATIONS,
        default_variations=defaults,
        requires=tuple(
            need(f"r{other}", f"t{other}{text}", f"{kind}:c{number}") for other, text in needs.items() if other > role
        ),
        install=BUILT,
    )


def _components(drawn: list[tuple[Any, ...]], first: int = 0, family_name: str = "f") -> list[Component]:
    """Return what was drawn, and for each role something of any version that needs nothing."""
    last = [(role, 10 + role, set("123"), "package", {}, {}) for role in range(ROLES)]
    return [_component(first + number, item, family_name) for number, item in enumerate([*last, *drawn])]


def _plan(components: list[Component], text: str, lock: Lock | None = None) -> Plan | None:
    locked = lock_requirements(lock, "loom.lock.json") if lock else ()
    try:
        return planned(*components, query=f"t0{text}", locked=locked)
    except ResolutionError:
        assert lock is None, "a lock that was just made cannot be kept"
        return None


@given(st.lists(DRAWN, min_size=2, max_size=6), st.lists(DRAWN, max_size=3), st.sampled_from(RANGES))
def test_plan_with_its_lock_is_the_same_whatever_was_added(
    drawn: list[tuple[Any, ...]], added: list[tuple[Any, ...]], text: str
):
    plan = _plan(_components(drawn), text)
    event(type(plan).__name__)
    if plan is None:
        return
    lock = make_lock(plan)
    assert msgspec.json.decode(to_json(lock), type=Lock) == lock
    assert drift(lock, plan) == []
    again = _plan([*_components(drawn), *_components(added, 100, "other")], text, lock)  # which would be preferred
    assert again is not None
    assert drift(lock, again) == []
    assert [(node.id, node.key, node.env, node.needs) for node in again.nodes] == [
        (node.id, node.key, node.env, node.needs) for node in plan.nodes
    ]


CHANGES = st.sampled_from(
    [
        ("family", "soft:changed"),
        ("uid", "changed"),
        ("version", "changed"),
        ("variations", ("changed",)),
        ("roles", ("changed",)),
        ("files", "changed"),
        ("fetch", (Fetch(url="changed"),)),
        ("pip", ("changed",)),
    ]
)


@given(st.lists(DRAWN, min_size=2, max_size=4), CHANGES, st.data())
def test_drift_names_exactly_the_node_and_field_that_differ(
    drawn: list[tuple[Any, ...]], change: tuple[str, Any], data: st.DataObject
):
    plan = _plan(_components(drawn), "")
    if plan is None:
        return
    lock = make_lock(plan)
    place = data.draw(st.integers(0, len(lock.nodes) - 1))
    nodes = [*lock.nodes]
    nodes[place] = replace(nodes[place], **dict([change]))
    [sentence] = drift(replace(lock, nodes=tuple(nodes)), plan)
    assert sentence.startswith(f"{nodes[place].id}: {change[0]} was ")
    gone = drift(replace(lock, nodes=(*lock.nodes[:place], *lock.nodes[place + 1 :])), plan)
    assert gone == [f"{lock.nodes[place].id} is new in the plan"]
