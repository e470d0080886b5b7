"""What may ever be looked for on a machine: whatever could answer a requirement, and nothing else."""

from benchloom.model.component import Requirement, Variation
from benchloom.resolve.reach import reachable
from support.components import entry, need, universe

NEEDS = {"v": Variation(name="v", requires=(need("d", "d"),))}
ALL = universe(
    entry(
        "script",
        "app",
        "app",
        requires=(need("b", "b"), need("c", "", only="soft:family"), need("e", "e", optional=True)),
    ),
    entry("package", "b2", "b"),
    entry("package", "b1", "b", variations=NEEDS, requires=(need("a", "app"),)),  # a circle
    entry("package", "c", "c", family="soft:family"),
    entry("soft", "family", "family"),
    entry("soft", "d", "d"),
    entry("soft", "e", "e"),
    entry("program", "b", "b"),  # no program answers a requirement
)


def found(*targets: Requirement) -> list[str]:
    return [item.ref for item in reachable(targets, ALL)]


def test_requirements_of_components_and_of_their_variations_are_followed():
    wanted = ["package:b1", "package:b2", "package:c", "script:app", "soft:d", "soft:family"]
    assert found(need("target", "app")) == wanted


def test_every_target_is_followed_whatever_its_version_and_variations():
    assert found(need("a", "c,@>5"), need("b", "d,_none")) == ["package:c", "soft:d"]
    assert found(need("a", "b,-d")) == found(need("a", "app"))


def test_what_is_limited_to_a_component_or_family_reaches_nothing_else():
    assert found(need("c", "c", only="package:c")) == ["package:c"]
    assert found(need("c", "c", only="soft:family")) == ["package:c", "soft:family"]
    assert found(need("e", "e", optional=True)) == []
