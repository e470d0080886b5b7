"""Solve the whole graph at once and turn an impossible one into an explanation."""

from collections.abc import Iterable, Sequence

from resolvelib import BaseReporter, Resolver
from resolvelib.resolvers import ResolutionImpossible, ResolutionTooDeep

from benchloom.base.names import did_you_mean
from benchloom.errors import LoomError, ResolutionError, UnknownNameError
from benchloom.model.base import Value
from benchloom.model.component import Requirement
from benchloom.model.query import Query
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.options import Examiner, Option, Universe
from benchloom.resolve.provider import Answer, FamilyMember, Need, Pin, Provider, RoleAnswer, RoleNeed, requirements_of

MAX_ROUNDS = 20_000


class Solution(Value, frozen=True, kw_only=True):
    """The chosen option of each role, the requirements behind each role, and which interpreter serves."""

    options: dict[str, Option]
    requirements: dict[str, tuple[Requirement, ...]]
    python_mode: str
    python_reason: str


def solve(target: Requirement, universe: Universe, host: HostFacts, overrides: Overrides) -> Solution:
    """Resolve ``target`` and everything it needs.

    The running interpreter is tried first; where it does not satisfy every Python library of the plan, all of them are
    solved together in an environment of their own. Raises ResolutionError (a conflict, with who required what) or
    UnknownNameError (an override for a role that the plan does not have).
    """
    roots = [target, *_override_requirements(overrides), *overrides.locked]
    first = _attempt(roots, Examiner(universe, host, overrides, "running"), overrides)
    if isinstance(first, Solution):
        return _checked(first, universe, host, overrides)
    second = _attempt(roots, Examiner(universe, host, overrides, "isolated"), overrides)
    if isinstance(second, LoomError):
        raise second
    reason = f"the running interpreter does not satisfy the plan: {_missing_libraries(second, host)}"
    solution = Solution(
        options=second.options, requirements=second.requirements, python_mode="isolated", python_reason=reason
    )
    return _checked(solution, universe, host, overrides)


def _override_requirements(overrides: Overrides) -> list[Requirement]:
    return [
        Requirement(
            role=role, query=query, requirer="the command line", where=overrides.sources.get(role, ""), optional=True
        )
        for role, query in sorted(overrides.roles.items())
    ]


def _attempt(roots: Sequence[Requirement], examiner: Examiner, overrides: Overrides) -> "Solution | ResolutionError":
    resolver: Resolver[Need, Answer, str] = Resolver(Provider(examiner, overrides), BaseReporter())
    try:
        result = resolver.resolve([RoleNeed(requirement=item) for item in roots], max_rounds=MAX_ROUNDS)
    except ResolutionImpossible as error:
        return explain_impossible([(cause.requirement, cause.parent) for cause in error.causes], examiner)
    except ResolutionTooDeep:
        return ResolutionError(
            f"no solution found within {MAX_ROUNDS} steps",
            fix="narrow the query, for instance with --dep_add_tags.<role>=",
        )
    options = {
        answer.role: answer.option
        for answer in result.mapping.values()
        if isinstance(answer, RoleAnswer) and answer.option
    }
    return Solution(
        options=dict(sorted(options.items())),
        requirements=_requirements(roots, options, overrides),
        python_mode=examiner.python_mode,
        python_reason="the running interpreter satisfies the whole plan",
    )


def _requirements(
    roots: Iterable[Requirement], options: dict[str, Option], overrides: Overrides
) -> dict[str, tuple[Requirement, ...]]:
    found: dict[str, set[Requirement]] = {role: set() for role in options}
    everything = [*roots]
    for option in options.values():
        everything.extend(requirements_of(option, overrides))
    ordered: dict[str, list[Requirement]] = {role: [] for role in options}
    for requirement in everything:
        bucket = ordered.get(requirement.role)
        if bucket is not None and requirement not in bucket:
            bucket.append(requirement)
    del found
    return {
        role: tuple(sorted(items, key=lambda r: (r.requirer, r.where, str(r.query)))) for role, items in ordered.items()
    }


def _checked(solution: Solution, universe: Universe, host: HostFacts, overrides: Overrides) -> Solution:
    for role in overrides.roles:
        if role not in solution.options:
            raise UnknownNameError(
                f"the plan has no role {role!r}",
                where=overrides.sources.get(role, ""),
                fix=" ".join(
                    [did_you_mean(role, solution.options), f"its roles are {', '.join(solution.options)}"]
                ).strip(),
            )
    examiner = Examiner(universe, host, overrides, solution.python_mode)
    for role, option in solution.options.items():
        _refuse_ambiguity(role, option, solution.requirements[role], examiner)
    return solution


def _refuse_ambiguity(role: str, option: Option, requirements: Sequence[Requirement], examiner: Examiner) -> None:
    rivals = {
        other.component.ref
        for other in examiner.examine(requirements).options
        if other.rank == option.rank
        and other.candidate.family != option.candidate.family
        and other.component != option.component
    }
    if rivals and not any(item.only for item in requirements):
        names = sorted({option.component.ref, *rivals})
        query = str(_merged(requirements))
        raise ResolutionError(
            f"{len(names)} components answer {query!r} (role {role}) equally well",
            where=requirements[0].where,
            why=[f"candidate: {name}" for name in names],
            fix=f"add tags that only one of them has (--dep_add_tags.{role}=...), or mark one default_for that query",
            details={"role": role, "candidates": names},
        )


def _merged(requirements: Iterable[Requirement]) -> Query:
    query = Query()
    for requirement in requirements:
        query = query.merged(requirement.query)
    return query


def _missing_libraries(solution: Solution, host: HostFacts) -> str:
    present = {found.family for found in host.detected if found.component.startswith("soft:")}
    wanted = sorted({o.candidate.family for o in solution.options.values() if o.component.is_python_library})
    missing = [family.rpartition(".")[2] for family in wanted if family not in present]
    if missing:
        return f"it lacks {', '.join(missing)}"
    return "its versions do not fit"


def explain_impossible(causes: Sequence[tuple[Need, Answer | None]], examiner: Examiner) -> ResolutionError:
    """Turn resolvelib's causes into who required what, from which file and key, what was refused, and one thing to do."""
    by_role: dict[str, list[Requirement]] = {}
    for need, parent in causes:
        for requirement in _behind(need, parent):
            items = by_role.setdefault(requirement.role, [])
            if requirement not in items:
                items.append(requirement)
    why: list[str] = []
    for role, requirements in sorted(by_role.items()):
        why.extend(
            f"{item.requirer} needs {str(item.query) or item.only!r} as {role} ({item.where or 'command line'})"
            for item in sorted(requirements, key=lambda r: (r.requirer, r.where))
        )
        refusals = examiner.examine(requirements).refusals
        why.extend(
            f"refused {item.component}: {item.reason}"
            for item in sorted(refusals, key=lambda r: (r.component, r.reason))
        )
    wheres = [item.where for items in by_role.values() for item in items if item.where]
    return ResolutionError(
        _headline(by_role, examiner),
        where="; ".join(dict.fromkeys(wheres)),
        why=why,
        fix=_suggestion(by_role, examiner),
        details={"roles": sorted(by_role)},
    )


def _behind(need: Need, parent: Answer | None) -> tuple[Requirement, ...]:
    if isinstance(need, RoleNeed):
        return (need.requirement,)
    if isinstance(parent, RoleAnswer):
        candidate = need.option.candidate
        label = f"=={candidate.version}" if candidate.version else ""
        return (
            Requirement(
                role=parent.role, query=Query(version=label), requirer=f"role {parent.role}", only=candidate.component
            ),
        )
    return ()


def _headline(by_role: dict[str, list[Requirement]], examiner: Examiner) -> str:
    for role, requirements in sorted(by_role.items()):
        tags = {tag for item in requirements for tag in item.query.tags}
        if not examiner.examine(requirements).refusals and not any(item.only for item in requirements):
            return (
                f"nothing answers {str(_merged(requirements))!r}, needed as {role}"
                if tags
                else f"nothing fits role {role}"
            )
    roles = ", ".join(sorted(by_role))
    return f"the requirements on {roles} cannot all be met"


def _suggestion(by_role: dict[str, list[Requirement]], examiner: Examiner) -> str:
    known = {name for component in examiner.universe.components for name in component.names}
    for requirements in by_role.values():
        for item in requirements:
            for tag in item.query.tags:
                if tag not in known:
                    return did_you_mean(tag, known) or f"no component has the tag {tag!r}; see loom find"
    for role, requirements in sorted(by_role.items()):
        ranged = [item for item in requirements if item.query.version]
        if len(ranged) > 1:
            last = ranged[-1]
            return f"loosen {str(last.query.version)!r} of {last.requirer} at {last.where}, or --adr.{role}.version=..."
    for role in sorted(by_role):
        return (
            f"see every candidate and its refusal: loom explain {role}; choose another with --dep_add_tags.{role}=..."
        )
    return "see loom explain"


__all__ = ["FamilyMember", "Pin", "Solution", "explain_impossible", "solve"]
