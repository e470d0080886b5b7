"""The search over resolvelib: bounded in memory, whatever it has to refuse."""

import pytest
from resolvelib import BaseReporter
from resolvelib.resolvers import Resolution, ResolutionTooDeep

from benchloom.model.component import Version
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.options import Examiner
from benchloom.resolve.provider import Provider, RoleNeed
from benchloom.resolve.search import Search
from support.components import BUILT, PLATFORM, Universe, entry, need, universe

BIRDS = 6


def crowded() -> Universe:
    """More birds than holes, each of which takes one bird: what is refused first shows in the last step only."""
    birds = [str(number) for number in range(BIRDS)]
    holes = range(BIRDS - 1)
    return universe(
        entry("script", "app", "app", requires=tuple(need(f"bird{bird}", f"bird{bird}") for bird in birds)),
        *(
            entry("package", f"hole{hole}", f"hole{hole}", install=BUILT, versions=tuple(map(_version, birds)))
            for hole in holes
        ),
        *(
            entry(
                "package",
                f"bird{bird}-{hole}",
                f"bird{bird}",
                install=BUILT,
                requires=(need(f"hole{hole}", f"hole{hole},@=={bird}", f"package:bird{bird}-{hole}"),),
            )
            for bird in birds
            for hole in holes
        ),
    )


def _version(bird: str) -> Version:
    return Version(version=bird)


def most_repeated(kind: type[Resolution]) -> int:  # type: ignore[type-arg]
    """Return how many entries of one list of refusals are repetitions, at most, after 300 rounds."""
    provider = Provider(Examiner(crowded(), HostFacts(platform=PLATFORM), Overrides(), "running"))
    search = kind(provider, BaseReporter())
    with pytest.raises(ResolutionTooDeep):
        search.resolve([RoleNeed(need("target", "app"))], max_rounds=300)
    lists = [list(item.incompatibilities) for item in search.state.criteria.values()]
    return max(len(refused) - len(set(refused)) for refused in lists)


def test_refusals_are_listed_once():
    assert most_repeated(Search) == 0
    assert most_repeated(Resolution) > 0  # if not, resolvelib has learned it, and Search can go
