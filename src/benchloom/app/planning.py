"""Plan: from a PlanRequest to a Plan."""

from collections.abc import Mapping

import msgspec

from benchloom.app.given import refuse_lost_files
from benchloom.app.given_data import DATASET, requirement_on_data, same_model, unused_data
from benchloom.app.host import host_facts
from benchloom.app.inputs import (
    check_inputs,
    command_inputs,
    refuse_inputs,
    refuse_secret_variables,
    secret_names,
    selections,
    settled_inputs,
)
from benchloom.app.requests import PlanRequest
from benchloom.app.targets import by_name, by_tags
from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.datasets.files import LABELS_PATH
from benchloom.datasets.samples import refuse_too_few
from benchloom.errors import InputError, LockDriftError, ResolutionError, UnknownNameError
from benchloom.model.base import Value
from benchloom.model.component import RULESET, VENV_TEMPLATE, Component, Requirement
from benchloom.model.plan import Candidate, Plan
from benchloom.model.quantities import read_quantities
from benchloom.model.query import Query, parse_query
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.lock import drift, lock_requirements
from benchloom.resolve.plan import make_plan
from benchloom.rules.possible import refuse_impossible
from benchloom.rules.rulesets import scenario_rules
from benchloom.rules.scenarios import DEFAULT_SCENARIO


class ResolutionProblem(Value, frozen=True, kw_only=True):
    """The input of the resolver: the requirement on role ``target``, overrides, and the host facts."""

    target: Requirement
    command: str
    overrides: Overrides
    host: HostFacts


def plan(workspace: Workspace, request: PlanRequest, *, to_run: bool = True) -> Plan:
    """Resolve ``request`` on this machine; inputs that make a run impossible are refused only if it is ``to_run``.

    Raises UnknownNameError, InputError or ResolutionError; if ``request`` has a lock, LockDriftError with every
    difference.
    """
    with workspace.talk.progress("planning", None, ""):
        return _planned(workspace, request, to_run=to_run)


def _planned(workspace: Workspace, request: PlanRequest, *, to_run: bool) -> Plan:
    problem = resolution_problem(workspace, request)
    try:
        made = _answer(workspace, request, problem)
    except (ResolutionError, UnknownNameError) as error:
        if request.lock is None:
            raise
        raise _drifted(request, [error.what, *error.why]) from error
    workspace.index.remember()
    if request.dataset_path and not _uses_given_data(workspace, made, problem):
        made = _with_given_data(workspace, request, problem, made)
    refuse_lost_files(made)
    if to_run:
        _refuse_impossible(made)
    if request.lock and (differences := drift(request.lock, made)):
        raise _drifted(request, differences)
    return made


def _given_data(workspace: Workspace, problem: ResolutionProblem) -> list[Candidate]:
    """Return the candidates for the folder of ``--dataset_path``: if it is given, no other data set is searched."""
    return [item for item in problem.host.detected if workspace.index.get(item.component).dataset]


def _uses_given_data(workspace: Workspace, made: Plan, problem: ResolutionProblem) -> bool:
    places = {item.location for item in _given_data(workspace, problem)}
    return any(node.candidate.location in places for node in made.nodes)


def settled_problem(workspace: Workspace, request: PlanRequest) -> ResolutionProblem:
    """Return the problem that ``plan`` solves: that of ``request``, with a requirement on ``--dataset_path`` if needed to use it.

    Raises what ``resolution_problem`` raises, and InputError if no plan would use that data set.
    """
    problem = resolution_problem(workspace, request)
    if not request.dataset_path:
        return problem
    try:
        made = _answer(workspace, request, problem)
    except (ResolutionError, UnknownNameError):
        return problem  # it has no solution
    if _uses_given_data(workspace, made, problem):
        return problem
    _with_given_data(workspace, request, problem, made)
    return _on_given_data(workspace, problem, made)


def _answer(workspace: Workspace, request: PlanRequest, problem: ResolutionProblem) -> Plan:
    return make_plan(problem.target, problem.command, workspace.index, problem.host, problem.overrides, request.env)


def _on_given_data(workspace: Workspace, problem: ResolutionProblem, made: Plan) -> ResolutionProblem:
    """Return ``problem`` with the requirements that the plan keeps the model of ``made`` and uses the given data set."""
    recognised = workspace.index.get(_given_data(workspace, problem)[0].component)
    wanted = requirement_on_data(
        workspace.index, recognised, role=DATASET, requirer="the command line", where="--dataset_path"
    )
    locked = (*problem.overrides.locked, wanted, *same_model(made))
    return msgspec.structs.replace(problem, overrides=msgspec.structs.replace(problem.overrides, locked=locked))


def _with_given_data(workspace: Workspace, request: PlanRequest, problem: ResolutionProblem, made: Plan) -> Plan:
    """Return a plan with the model of ``made`` that uses the given data set. Raises InputError if there is none."""
    try:
        again = _answer(workspace, request, _on_given_data(workspace, problem, made))
    except ResolutionError:
        raise unused_data(made, request.dataset_path) from None
    if not _uses_given_data(workspace, again, problem):
        raise unused_data(made, request.dataset_path)
    return again


def _refuse_impossible(made: Plan) -> None:
    """Raise InputError for a run that is impossible on any machine, if the program takes the harness's inputs."""
    if made.in_role("harness") is None:
        return

    def text(name: str) -> str:
        return made.inputs.get(name) or made.env.get(f"LOOM_INPUT_{name.upper()}", "")

    model, data, ruleset = (made.in_role(role) for role in ("model", "dataset", RULESET))
    scenario = text("scenario") or DEFAULT_SCENARIO.name
    if ruleset and ruleset.facts.ruleset:
        scenario_rules(ruleset.facts.ruleset, scenario)
    numbers = read_quantities(text, is_configured=bool(text("user_conf")))
    refuse_impossible(
        model.facts.model if model else None,
        scenario=scenario,
        mode=text("mode") or "both",
        instances=numbers.instances or 1,
        batch_size=numbers.batch_size,
    )
    dataset = data.facts.dataset if data else None
    if dataset and not text(LABELS_PATH):
        refuse_too_few(numbers.count, dataset.count, dataset.name, "--count")


def resolution_problem(workspace: Workspace, request: PlanRequest) -> ResolutionProblem:
    """Check ``request`` and gather the inputs of the resolver. Raises UnknownNameError or InputError."""
    target = target_requirement(workspace, request)
    component = workspace.index.get(target.only) if target.only else None
    if component is None:
        refuse_inputs(request)
    command = _command(component, request.command) if component and component.program else ""
    of_command = command_inputs(component, command, request.env)
    given = {**settled_inputs(workspace, component), **of_command, **request.inputs}
    inputs = check_inputs(workspace.index, component, given, request.flags) if component else given
    secret = secret_names(component)
    refuse_secret_variables(request, secret)
    overrides = Overrides(
        roles=request.roles,
        env=request.env,
        inputs={name: value for name, value in inputs.items() if name not in secret},  # for every verb
        sources=request.sources,
        locked=(
            *request.chosen,
            *selections(workspace.index, component, inputs),
            *(lock_requirements(request.lock, request.lock_file) if request.lock else ()),
        ),
        isolated=bool(component and component.kind == VENV_TEMPLATE),
    )
    return ResolutionProblem(
        target=target,
        command=command,
        overrides=overrides,
        host=host_facts(
            workspace,
            [target, *overrides.locked, *_as_requirements(request.roles)],
            overrides.inputs,
            request,
        ),
    )


def _drifted(request: PlanRequest, differences: list[str]) -> LockDriftError:
    return LockDriftError(
        "the plan does not match the lock",
        where=request.lock_file,
        why=differences,
        fix="undo the change, or update the lock: loom lock TARGET",
        details={"differences": differences},
    )


def target_requirement(workspace: Workspace, request: PlanRequest) -> Requirement:
    """Return the requirement on role ``target``. Raises UnknownNameError for an unknown tag or name."""
    if request.name:
        return by_name(workspace.index, request.name, request.query, request.kind)
    query = parse_query(request.query, where="--tags")
    if not (query.tags or query.variations):
        refuse_inputs(request)
        raise InputError(
            "no target was given", where="command line", fix="name a component (program:alias) or give --tags="
        )
    return by_tags(workspace.index, query, request.kind, runnable=request.runnable)


def split_secrets(workspace: Workspace, request: PlanRequest) -> tuple[PlanRequest, dict[str, str]]:
    """Return ``request`` without the inputs that its program declares secret, and these: a plan must not contain them."""
    requirement = target_requirement(workspace, request)
    names = secret_names(workspace.index.get(requirement.only) if requirement.only else None)
    secrets = {name: value for name, value in request.inputs.items() if name in names}
    inputs = {name: value for name, value in request.inputs.items() if name not in names}
    return msgspec.structs.replace(request, inputs=inputs), secrets


def _command(component: Component, asked: str) -> str:
    assert component.program is not None
    names = [command.name for command in component.program.commands]
    if component.foreign_work:
        return asked  # resolution reports what it would need
    if asked:
        if asked not in names:
            raise UnknownNameError(
                f"{component.ref} has no command {asked!r}",
                where="--cmd_key",
                fix=did_you_mean(asked, names) or f"it has {', '.join(names)}",
            )
        return asked
    if len(names) == 1 or "default" in names:
        return "default" if "default" in names else names[0]
    raise InputError(
        f"{component.ref} has several commands",
        where=component.file,
        why=names,
        fix=f"choose one: --cmd_key={names[0]}",
    )


def _as_requirements(roles: Mapping[str, Query]) -> list[Requirement]:
    return [Requirement(role=role, query=query, requirer="the command line") for role, query in roles.items()]
