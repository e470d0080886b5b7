"""The recipe that resolution chooses for a model."""

from benchloom.index.index import Index
from benchloom.model.component import Component
from benchloom.model.facts import Profile
from benchloom.model.variation import profile_of
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.options import Examiner
from benchloom.resolve.variations import choose
from support.components import PLATFORM


def recipe_of(index: Index, model: Component) -> Profile:
    """Return the one profile that fits the needs and facts of ``model``, as its variation lays it out."""
    needs = [need for need in choose(model, ()).requires if need.role == "profile"]
    (option,) = Examiner(index, HostFacts(platform=PLATFORM), Overrides(), "running").examine(needs).options
    profile = profile_of(option.component, option.choice.variations)
    assert profile is not None
    return profile


def recipe(index: Index, name: str) -> Profile:
    """Return the profile of ``package``, or of ``package,_variation``."""
    alias, _, variation = name.partition(",_")
    profile = profile_of(index.get(f"package:{alias}"), [variation] if variation else [])
    assert profile is not None
    return profile
