"""Solve the whole graph at once; a conflict is raised with an explanation."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from resolvelib import BaseReporter
from resolvelib.resolvers import RequirementInformation, ResolutionImpossible, ResolutionTooDeep

from benchloom.base.names import did_you_mean
from benchloom.errors import ResolutionError, UnknownNameError
from benchloom.model.component import Requirement
from benchloom.resolve.conflict import explain_conflict
from benchloom.resolve.forced import forced_conflict, forced_misfit
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.options import Examiner, Option, Universe, merged
from benchloom.resolve.provider import Answer, Need, Provider, RoleAnswer, RoleNeed, requirements_of
from benchloom.resolve.reasons import unfit
from benchloom.resolve.search import Search

MAX_ROUNDS = 20_000
PATIENCE = 50  # conflicts


class Solution(msgspec.Struct, frozen=True):
    """The chosen option and the requirements of each role.

    ``examiner`` caches every result; its ``python_mode`` tells which interpreter the plan uses, for ``python_reason``.
    """

    options: dict[str, Option]
    requirements: dict[str, tuple[Requirement, ...]]
    examiner: Examiner
    python_reason: str


def solve(target: Requirement, universe: Universe, host: HostFacts, overrides: Overrides) -> Solution:
    """Resolve ``target`` and everything it needs.

    The running interpreter is tried first (unless the overrides say isolated); if it lacks any Python library of the
    plan, all of them are solved together in a separate environment. Raises ResolutionError (a conflict, with who
    required what) or UnknownNameError (an override for a role that the plan does not have).
    """
    roots = [target, *_override_requirements(overrides), *overrides.locked]
    examiner = Examiner(universe, host, overrides, "isolated" if overrides.isolated else "running")
    try:
        solution = _attempt(roots, examiner)
    except ResolutionError:
        if overrides.isolated or not examiner.met_library:
            raise
        solution = _attempt(roots, Examiner(universe, host, overrides, "isolated"))
    _refuse_unknown_roles(solution, overrides)
    for role, option in solution.options.items():
        _refuse_ambiguity(role, option, solution)
    return solution


def _override_requirements(overrides: Overrides) -> list[Requirement]:
    return [
        Requirement(
            role=role, query=query, requirer="the command line", where=overrides.sources.get(role, ""), optional=True
        )
        for role, query in sorted(overrides.roles.items())
    ]


def _attempt(roots: Sequence[Requirement], examiner: Examiner) -> Solution:
    provider = Provider(examiner)
    watch = _Watch(roots, examiner)
    try:
        state = Search(provider, watch).resolve([RoleNeed(item) for item in roots], max_rounds=MAX_ROUNDS)
    except ResolutionImpossible as error:
        raise forced_misfit(roots, examiner) or _impossible(error.causes, provider) from None
    except ResolutionTooDeep:
        raise _given_up(roots, _impossible(watch.causes, provider)) from None
    options = _needed(roots, state.mapping.values(), examiner.overrides)
    return Solution(
        options=options,
        requirements=_requirements(roots, options, examiner.overrides),
        examiner=examiner,
        python_reason=_python_reason(options, examiner),
    )


def _needed(roots: Iterable[Requirement], answers: Iterable[Answer], overrides: Overrides) -> dict[str, Option]:
    """Return the roles that the roots need, sorted: the search may leave candidates whose requirers were replaced."""
    found = {item.role: item.option for item in answers if isinstance(item, RoleAnswer) and item.option}
    needed: dict[str, Option] = {}
    waiting = list(roots)
    while waiting:
        requirement = waiting.pop()
        if requirement.optional or requirement.role in needed:
            continue
        option = needed[requirement.role] = found[requirement.role]
        waiting.extend(requirements_of(option, overrides))
    return dict(sorted(needed.items()))


class _Watch(BaseReporter[Need, Answer, str]):
    """Observes the search: ``causes`` are those of the last conflict.

    After many conflicts it checks, once, whether a solution can exist, and raises ResolutionError if not.
    """

    def __init__(self, roots: Sequence[Requirement], examiner: Examiner) -> None:
        self.causes: Collection[RequirementInformation[Need, Answer]] = ()
        self._roots, self._examiner = roots, examiner
        self._conflicts = 0

    def resolving_conflicts(self, causes: Collection["RequirementInformation[Need, Answer]"]) -> None:
        """Count the conflict."""
        self.causes = causes
        self._conflicts += 1
        if self._conflicts == PATIENCE and (error := forced_conflict(self._roots, self._examiner)):
            raise error


def _given_up(roots: Sequence[Requirement], last: ResolutionError) -> ResolutionError:
    return ResolutionError(
        f"no solution was found within {MAX_ROUNDS:,} steps",
        where=", ".join(dict.fromkeys(item.role for item in roots)),
        why=[f"the last of many conflicts: {last.what}", *last.why],
        fix="narrow the query, for instance with --dep_add_tags.ROLE=TAGS",
        details=last.details,
    )


def _requirements(
    roots: Iterable[Requirement], options: dict[str, Option], overrides: Overrides
) -> dict[str, tuple[Requirement, ...]]:
    """Collect the requirements on each role from the command line and from everything chosen."""
    found: dict[str, list[Requirement]] = {role: [] for role in options}
    chosen = (requirements_of(option, overrides) for option in options.values())
    for requirement in (*roots, *(item for items in chosen for item in items)):
        if requirement.role in found and requirement not in found[requirement.role]:
            found[requirement.role].append(requirement)
    return {
        role: tuple(sorted(items, key=lambda item: (item.requirer, item.where, str(item.query))))
        for role, items in found.items()
    }


def _refuse_unknown_roles(solution: Solution, overrides: Overrides) -> None:
    for role in sorted(overrides.roles):
        if role not in solution.options:
            known = f"its roles are {', '.join(solution.options)}"
            hint = did_you_mean(role, solution.options)
            raise UnknownNameError(
                f"the plan has no role {role!r}",
                where=overrides.sources.get(role, ""),
                fix=f"{hint} ({known})" if hint else known,
            )


def _refuse_ambiguity(role: str, option: Option, solution: Solution) -> None:
    """Raise ResolutionError if a component of another family matches ``role`` equally well and nothing decides between them."""
    requirements = solution.requirements[role]
    if any(item.only for item in requirements):
        return
    rivals = {
        other.component.ref
        for other in solution.examiner.examine(requirements).options
        if other.rank == option.rank
        and other.candidate.family != option.candidate.family
        and other.component.ref != option.component.ref
        and not unfit(other, solution.options)
    }
    if not rivals:
        return
    names = sorted({option.component.ref, *rivals})
    needed = [f"{item.requirer} needs {item.query} ({item.where or 'command line'})" for item in requirements]
    raise ResolutionError(
        f"{len(names)} components match {merged(requirements)} equally well, required as {role}",
        where=f"role {role}",
        why=[*needed, *(f"{name} matches" for name in names)],
        fix=f"add a tag that only one has (--dep_add_tags.{role}=TAG), or mark one default_for this query",
        details={"role": role, "candidates": names},
    )


def _python_reason(options: dict[str, Option], examiner: Examiner) -> str:
    if examiner.python_mode == "running":
        return "the running interpreter satisfies the whole plan"
    if examiner.overrides.isolated:
        return "a virtual environment has its own libraries"
    present = {found.family for found in examiner.host.detected if found.component.startswith("soft:")}
    wanted = sorted({item.candidate.family for item in options.values() if item.component.is_python_library})
    missing = [family.rpartition("lib-python-")[2] for family in wanted if family not in present]
    lack = f"it lacks {', '.join(missing)}" if missing else "its versions do not fit"
    return f"the running interpreter does not satisfy the plan: {lack}"


def _impossible(causes: Collection["RequirementInformation[Need, Answer]"], provider: Provider) -> ResolutionError:
    """Translate resolvelib's causes: requirements as they are, and pins as the requirements of their roles."""
    by_role: dict[str, list[Requirement]] = {}
    family = ""
    for cause in causes:
        if isinstance(cause.requirement, RoleNeed):
            found: Sequence[Requirement] = [cause.requirement.requirement]
        else:
            assert isinstance(cause.parent, RoleAnswer)
            family = cause.requirement.option.candidate.family
            found = provider.asked[cause.parent.role]
        for requirement in found:
            items = by_role.setdefault(requirement.role, [])
            if requirement not in items:
                items.append(requirement)
    return explain_conflict(by_role, family, provider.examiner)
