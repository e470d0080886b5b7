"""Reasons why one option was chosen over another, in words."""

from collections.abc import Mapping, Sequence

from benchloom.resolve.fitting import misfit
from benchloom.resolve.options import Option, order_between, order_within


def reason_of(chosen: Option, options: Sequence[Option]) -> str:
    """Return why ``chosen`` was preferred among ``options`` (best first), and over which components."""
    rivals = [item for item in options if item.candidate != chosen.candidate]
    if not rivals:
        return "the only match"
    if not _is_before(chosen, rivals[0]):
        return "the best that fits the rest of the plan"
    others = [item for item in rivals if item.component.ref != chosen.component.ref]
    names = sorted({item.component.ref for item in others})
    return f"{advantage(chosen, (others or rivals)[0])}" + (f"; preferred over {shortened(names)}" if names else "")


def advantage(chosen: Option, other: Option) -> str:
    """Return the advantage of ``chosen`` over ``other``, as a phrase."""
    if chosen.default != other.default:
        return "marked default for this query"
    same = chosen.component.ref == other.component.ref
    if same and chosen.is_default_version != other.is_default_version:
        return "the default version"
    if chosen.candidate.origin != other.candidate.origin:
        return _ORIGIN[chosen.candidate.origin]
    if chosen.component.priority != other.component.priority:
        return "higher priority"
    if chosen.candidate.version != other.candidate.version:
        is_default = chosen.is_default_version and not same
        return "the default version" if is_default else "the highest version"
    return "found first" if same else "first by name"


def drawback(other: Option, chosen: Option) -> str:
    """Return why ``other`` was not chosen instead of ``chosen``."""
    if not _is_before(chosen, other):
        return "it does not fit the rest of the plan"
    label = chosen.candidate.component if other.component.ref != chosen.component.ref else chosen.candidate.version
    return f"{label} is preferred: {advantage(chosen, other)}"


def unfit(other: Option, chosen: Mapping[str, Option]) -> str:
    """Return a sentence on the first fact of the ``chosen`` options (by role) that ``other`` does not fit; '' if it fits all."""
    for need in other.choice.requires:
        if need.facts and (answer := chosen.get(need.role)):
            component, choice = answer.component, answer.choice
            if problem := misfit(component, choice.variations, choice.env, [need], component.ref):
                return problem
    return ""


def shortened(names: Sequence[str], most: int = 4) -> str:
    """Join ``names``, at most ``most`` of them, and say how many more there are."""
    more = len(names) - most
    return ", ".join([*names[:most], f"{more} more"] if more > 0 else names)


_ORIGIN = {
    "installed": "already installed",
    "detected": "found on this machine",
    "installable": "installable",
}


def _is_before(first: Option, second: Option) -> bool:
    if first.component.ref == second.component.ref:
        return not order_within(second) < order_within(first)
    return not order_between(second) < order_between(first)
