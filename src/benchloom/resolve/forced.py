"""Find conflicts among requirements that every solution must satisfy, without a search."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from benchloom.errors import ResolutionError
from benchloom.model.component import Requirement
from benchloom.resolve.conflict import explain_conflict
from benchloom.resolve.options import Examiner, Option
from benchloom.resolve.provider import agree, requirements_of


def forced_conflict(roots: Iterable[Requirement], examiner: Examiner) -> ResolutionError | None:
    """Return the explained conflict among the requirements that ``roots`` make inevitable; None if there is none.

    Inevitable are ``roots`` and the requirements common to all candidates of a role. None does not mean that there is a
    solution.
    """
    forced, unanswered = _forced(roots, examiner)
    if unanswered:
        return explain_conflict({unanswered: _core(forced[unanswered], examiner)}, "", examiner)
    return _misfit(forced, examiner) or _family_conflict(forced, examiner)


def forced_misfit(roots: Iterable[Requirement], examiner: Examiner) -> ResolutionError | None:
    """Return the explained conflict between facts that ``roots`` make inevitable; None if there is none, or a role has no candidate."""
    forced, unanswered = _forced(roots, examiner)
    return None if unanswered else _misfit(forced, examiner)


def _forced(roots: Iterable[Requirement], examiner: Examiner) -> tuple[dict[str, list[Requirement]], str]:
    """Return the inevitable requirements by role, and the first role without a candidate ('' if none)."""
    forced: dict[str, list[Requirement]] = {}
    waiting = list(roots)
    while waiting:
        requirement = waiting.pop()
        known = forced.setdefault(requirement.role, [])
        if requirement in known:
            continue
        known.append(requirement)
        if all(item.optional for item in known):
            continue
        options = examiner.examine(known, everywhere=True).options  # more requirements may lead to another repository
        if not options:
            return forced, requirement.role
        waiting += _needed_by_all(options, examiner)
    return forced, ""


def _needed_by_all(options: Sequence[Option], examiner: Examiner) -> list[Requirement]:
    common = list(requirements_of(options[0], examiner.overrides))
    for option in options[1:]:
        if not common:
            break
        own = requirements_of(option, examiner.overrides)
        common = [item for item in common if item in own]
    return common


def _core(requirements: Sequence[Requirement], examiner: Examiner) -> list[Requirement]:
    """Remove the requirements, one by one, without which there is still no candidate."""
    core = list(requirements)
    for requirement in requirements:
        rest = [item for item in core if item is not requirement]
        if not all(item.optional for item in rest) and not examiner.examine(rest).options:
            core = rest
    return core


def _misfit(forced: dict[str, list[Requirement]], examiner: Examiner) -> ResolutionError | None:
    """Find a role whose candidates all demand facts that no candidate of another role states."""
    for requirements in [forced[role] for role in sorted(forced)]:
        if all(item.optional for item in requirements):
            continue
        options = examiner.examine(requirements, everywhere=True).options
        unmet = [_unmet(option, forced, examiner) for option in options]
        if unmet and all(unmet):
            by_role: dict[str, list[Requirement]] = {}
            for demand in filter(None, unmet):
                by_role.setdefault(demand.role, [*forced[demand.role]]).append(demand)
            return explain_conflict(by_role, "", examiner)
    return None


def _unmet(option: Option, forced: dict[str, list[Requirement]], examiner: Examiner) -> Requirement | None:
    """Return a demand of ``option`` that no candidate of an inevitable role satisfies."""
    for demand in option.choice.requires:
        known = forced.get(demand.role, []) if demand.facts else []
        if known and not examiner.examine([*known, demand], everywhere=True).options:
            return demand
    return None


def _family_conflict(forced: dict[str, list[Requirement]], examiner: Examiner) -> ResolutionError | None:
    """Find two roles that only one family can fill, without a member that fits both."""
    by_family: dict[str, list[str]] = {}
    for role, requirements in sorted(forced.items()):
        is_needed = not all(item.optional for item in requirements)
        options = examiner.examine(requirements, everywhere=True).options if is_needed else ()
        families = {option.candidate.family for option in options}
        if len(families) == 1:
            by_family.setdefault(families.pop(), []).append(role)
    for family, roles in sorted(by_family.items()):
        for pair in combinations(roles, 2):
            one, other = (examiner.examine(forced[role], everywhere=True).options for role in pair)
            if not any(agree([mine, theirs]) for mine in one for theirs in other):
                return explain_conflict({role: forced[role] for role in pair}, family, examiner)
    return None
