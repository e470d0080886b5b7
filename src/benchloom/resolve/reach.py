"""The components that a resolution may reach, so that only those are detected on this machine."""

from collections.abc import Iterable

from benchloom.model.component import Component, Requirement
from benchloom.model.query import Query
from benchloom.resolve.options import ANSWERING_KINDS, Universe


def reachable(targets: Iterable[Requirement], universe: Universe) -> tuple[Component, ...]:
    """Return every component that could match a requirement reachable from ``targets``, sorted by reference."""
    found: dict[str, Component] = {}
    waiting = list(targets)
    asked: set[tuple[Query, str]] = set()
    while waiting:
        requirement = waiting.pop()
        question = (requirement.query, requirement.only)
        if requirement.optional or question in asked:
            continue  # an optional requirement only narrows another one
        asked.add(question)
        for component in _answers(requirement, universe):
            if component.ref not in found:
                found[component.ref] = component
                waiting.extend(component.requires)
                waiting.extend(need for variation in component.variations.values() for need in variation.requires)
    return tuple(found[ref] for ref in sorted(found))


def _answers(requirement: Requirement, universe: Universe) -> tuple[Component, ...]:
    if requirement.only:
        return tuple(item for item in universe.components if requirement.only in {item.ref, item.family})
    query = Query(tags=requirement.query.tags, without=requirement.query.without)
    return universe.match(query, ANSWERING_KINDS)
