"""Explain why a node of a plan was chosen, and why another component was not."""

import msgspec

from benchloom.errors import LoomError
from benchloom.model.base import Document, SchemaTable, Value
from benchloom.model.component import Component, Requirement
from benchloom.model.plan import Candidate
from benchloom.model.query import Query
from benchloom.resolve.conflict import asked
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.options import ANSWERING_KINDS, Option, Universe, merged
from benchloom.resolve.reasons import drawback, reason_of, unfit
from benchloom.resolve.solve import Solution, solve


class Alternative(Value, frozen=True, kw_only=True):
    """Something that was not chosen.

    Attributes:
        component: its reference.
        reason: why not.
        version: the version that it concerns; empty if it concerns the whole component.
        variations: the variations that it concerns.
    """

    component: str
    reason: str
    version: str = ""
    variations: tuple[str, ...] = ()


class Explanation(Document, frozen=True, kw_only=True):
    """Why a role is filled by its component.

    Attributes:
        role: the role.
        chosen: what answers it.
        reason: why this one.
        required_by: the requirements that it answers.
        alternatives: what could have answered, too.
        refused: what has the tags but cannot be used.
    """

    role: str
    chosen: Candidate
    reason: str
    required_by: tuple[Requirement, ...]
    alternatives: tuple[Alternative, ...]
    refused: tuple[Alternative, ...]


class WhyNot(Document, frozen=True, kw_only=True):
    """Why a component does not answer a role.

    Attributes:
        role: the role.
        candidate: reference of the component that was asked about.
        chosen: what answers the role instead.
        can_answer: whether the candidate could.
        reasons: why it does not.
        fix: the flag that chooses it, if it could answer.
    """

    role: str
    candidate: str
    chosen: Candidate
    can_answer: bool
    reasons: tuple[str, ...]
    fix: str


SCHEMAS: SchemaTable = {
    "explanation": (Explanation | tuple[Explanation, ...], "loom explain --json"),
    "why-not": (WhyNot, "loom explain --not --json"),
}


def explain_role(solution: Solution, role: str) -> Explanation:
    """Explain the choice for ``role`` in a solved plan. Raises KeyError for an unknown role."""
    chosen = solution.options[role]
    requirements = solution.requirements[role]
    found = solution.examiner.examine(requirements)
    return Explanation(
        role=role,
        chosen=chosen.candidate,
        reason=reason_of(chosen, found.options),
        required_by=requirements,
        alternatives=tuple(
            Alternative(
                component=item.component.ref,
                version=item.candidate.version,
                variations=item.candidate.variations,
                reason=unfit(item, solution.options) or drawback(item, chosen),
            )
            for item in found.options
            if item.candidate != chosen.candidate
        ),
        refused=tuple(
            Alternative(component=item.component, version=item.version, reason=item.reason) for item in found.refusals
        ),
    )


def why_not(
    target: Requirement,
    universe: Universe,
    host: HostFacts,
    overrides: Overrides,
    *,
    role: str,
    component: Component,
    version: str = "",
) -> WhyNot:
    """Explain why ``component`` (at ``version``, if given) does not fill ``role`` in the plan of ``target``.

    If it could, the flag that chooses it is verified: with it, the whole plan resolves. Raises what ``solve`` raises
    for the plan itself, and KeyError for an unknown role.
    """
    solution = solve(target, universe, host, overrides)
    chosen = solution.options[role]
    label = f"{component.ref}@{version}" if version else component.ref
    if _is_meant(chosen, component, version):
        return _answer(role, label, chosen, can_answer=True, reasons=["it is the chosen one"])
    if reasons := _mismatches(component, solution.requirements[role]):
        return _answer(role, label, chosen, can_answer=False, reasons=reasons)
    found = solution.examiner.examine(solution.requirements[role])
    rivals = [item for item in found.options if not _is_meant(item, component, version)]
    meant = [item for item in found.options if _is_meant(item, component, version)]
    if not meant:
        refused = [item for item in found.refusals if item.component == component.ref]
        exact = [item.reason for item in refused if item.version in {"", version} or not version]
        known = exact or [f"it has no version {version}"]
        return _answer(role, label, chosen, can_answer=False, reasons=known)
    query = _distinguishing(meant[0], rivals, solution.requirements[role], version)
    trial = _with_role(overrides, role, query)
    flag = f"--dep_add_tags.{role}={query}"
    try:
        again = solve(target, universe, host, trial)
    except LoomError as error:
        return _answer(role, label, chosen, can_answer=False, reasons=[f"with it, {error.what}", *error.why])
    if not _is_meant(again.options[role], component, version):
        return _answer(
            role, label, chosen, can_answer=False, reasons=["no tag distinguishes it from the chosen component"]
        )
    return _answer(role, label, chosen, can_answer=True, reasons=[drawback(meant[0], chosen)], fix=flag)


def _answer(role: str, label: str, chosen: Option, *, can_answer: bool, reasons: list[str], fix: str = "") -> WhyNot:
    return WhyNot(
        role=role,
        candidate=label,
        chosen=chosen.candidate,
        can_answer=can_answer,
        reasons=tuple(dict.fromkeys(reasons)),
        fix=fix,
    )


def _is_meant(option: Option, component: Component, version: str) -> bool:
    return option.component.ref == component.ref and version in {"", option.candidate.version}


def _mismatches(component: Component, requirements: tuple[Requirement, ...]) -> list[str]:
    """Explain which words of which requirement ``component`` does not match."""
    if component.kind not in ANSWERING_KINDS and not any(item.only == component.ref for item in requirements):
        return [f"a {component.kind} never fills a requirement"]
    found = []
    for item in requirements:
        lacking = sorted(set(item.query.tags) - component.names)
        excluded = sorted(set(item.query.without) & component.own_names)
        words = [f"it lacks {', '.join(lacking)}"] if lacking else []
        words += [f"it has {', '.join(excluded)}"] if excluded else []
        if item.only and item.only not in {component.ref, component.family}:
            words.append("it is another component")
        if words:
            place = f" ({item.where})" if item.where else ""
            found.append(f"{' and '.join(words)}; {item.requirer} needs {asked(item)}{place}")
    return found


def _distinguishing(meant: Option, rivals: list[Option], requirements: tuple[Requirement, ...], version: str) -> Query:
    """Return the shortest additional query that, with the requirements, only ``meant`` matches by its tags."""
    wanted = Query(version=f"=={version}") if version else Query()
    others = [item.component for item in rivals if item.component.ref != meant.component.ref]
    asked_for = set(merged(requirements).tags)
    while others:
        spare = sorted(set(meant.component.tags) - asked_for - set(wanted.tags))
        if not spare:
            break
        best = min(spare, key=lambda tag: (sum(tag in item.names for item in others), tag))
        wanted = wanted.merged(Query(tags=(best,)))
        others = [item for item in others if set(wanted.tags) <= item.names]
    return wanted


def _with_role(overrides: Overrides, role: str, query: Query) -> Overrides:
    roles = {**overrides.roles, role: overrides.roles.get(role, Query()).merged(query)}
    return msgspec.structs.replace(overrides, roles=roles)
