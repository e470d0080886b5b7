"""Explain: why a plan fills a role as it does, and why not with another component."""

from benchloom.app.planning import ResolutionProblem, settled_problem
from benchloom.app.requests import PlanRequest
from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.plan import TARGET_ROLE
from benchloom.model.query import parse_query
from benchloom.resolve.solve import Solution, solve
from benchloom.resolve.why import Explanation, WhyNot, explain_role, why_not


def explain(workspace: Workspace, request: PlanRequest, subject: str = "") -> tuple[Explanation, ...]:
    """Explain ``subject`` (a role, or a component of the plan), or every role if none is given, the target last.

    Raises what planning raises, and UnknownNameError if the plan has no such role or component.
    """
    problem = settled_problem(workspace, request)
    solution = _solve(workspace, problem)
    roles = [role_of(solution, subject)] if subject else sorted(solution.options, key=lambda role: role == TARGET_ROLE)
    return tuple(explain_role(solution, role) for role in roles)


def explain_why_not(workspace: Workspace, request: PlanRequest, subject: str, candidate: str) -> WhyNot:
    """Explain why ``candidate`` (a component, or ``component,@version``) does not fill ``subject``.

    Raises what planning raises, and UnknownNameError for an unknown role or component.
    """
    problem = settled_problem(workspace, request)
    role = role_of(_solve(workspace, problem), subject)
    name, _, rest = candidate.replace(",@", "@").partition("@")
    component = workspace.index.get(name)
    version = parse_query(f"@{rest}", where="--not").version if rest else ""
    if version and not version.startswith("=="):
        raise InputError(f"--not takes one version, not {version}", where="--not", fix=f"write {name}@1.2")
    return why_not(
        problem.target,
        workspace.index,
        problem.host,
        problem.overrides,
        role=role,
        component=component,
        version=version.removeprefix("=="),
    )


def _solve(workspace: Workspace, problem: ResolutionProblem) -> Solution:
    return solve(problem.target, workspace.index, problem.host, problem.overrides)


def role_of(solution: Solution, subject: str) -> str:
    """Return the role that ``subject`` names, or the first one filled by a component of that name."""
    if subject in solution.options:
        return subject
    for role, option in solution.options.items():
        component = option.component
        if subject in {component.ref, component.alias, component.uid}:
            return role
    known = {*solution.options, *(item.component.ref for item in solution.options.values())}
    roles = f"its roles are {', '.join(solution.options)}"
    hint = did_you_mean(subject, known)
    raise UnknownNameError(
        f"the plan has no role or component {subject!r}",
        where="command line",
        fix=f"{hint} ({roles})" if hint else roles,
    )
