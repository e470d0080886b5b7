"""Plan: from what the user typed to a Plan."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from benchloom.app.given import refuse_lost_files
from benchloom.app.given_data import DATASET, requirement_on_data, same_model, unused_data
from benchloom.app.host import Places, host_facts
from benchloom.app.settings import Settings
from benchloom.app.targets import by_name, by_tags, meant_by
from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, LockDriftError, ResolutionError, UnknownNameError
from benchloom.index.index import Index
from benchloom.model.base import Value
from benchloom.model.component import RULESET, VENV_TEMPLATE, Component, Input, Requirement
from benchloom.model.lock import Lock
from benchloom.model.plan import Candidate, Plan
from benchloom.model.query import Query, parse_query
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.lock import drift, lock_requirements
from benchloom.resolve.plan import make_plan
from benchloom.rules.possible import refuse_impossible
from benchloom.rules.rulesets import scenario_rules
from benchloom.rules.scenarios import DEFAULT_SCENARIO


class Ask(Places, frozen=True, kw_only=True):
    """What is to be planned, and where things are.

    Attributes:
        name: ``kind:alias`` (or alias, or uid) of the target; empty where ``query`` says it by tags.
        query: tags of the target, or tags to add to ``name``.
        runnable: the target must be something that runs.
        command: which ``run_cmds`` entry; empty means the only one, or ``default``.
        roles: queries to add by role (``--dep_add_tags.<role>``), each with the flag it came from in ``sources``.
        env: ``--env.X`` variables.
        inputs: program inputs as given.
        lock: a lock the plan must keep to.
        flags: the verb's own flags, so that a misspelt one is not taken for an input.
        chosen: what a front end has chosen for roles already.
    """

    name: str = ""
    query: str = ""
    kind: str = ""
    runnable: bool = False
    command: str = ""
    roles: dict[str, Query] = {}
    sources: dict[str, str] = {}
    env: dict[str, str] = {}
    inputs: dict[str, str] = {}
    lock: Lock | None = None
    lock_file: str = ""
    flags: tuple[str, ...] = ()
    chosen: tuple[Requirement, ...] = ()


class Question(Value, frozen=True, kw_only=True):
    """An ask as resolution takes it: the requirement on role ``target``, what is added to it, and the host facts."""

    target: Requirement
    command: str
    overrides: Overrides
    host: HostFacts


def plan(workspace: Workspace, ask: Ask, *, to_run: bool = True) -> Plan:
    """Resolve ``ask`` on this machine; what is only installed (not ``to_run``) may have inputs that no run could have.

    Raises UnknownNameError, InputError or ResolutionError; where ``ask`` holds a lock, LockDriftError with every difference.
    """
    with workspace.talk.progress("planning", None, ""):
        return _planned(workspace, ask, to_run=to_run)


def _planned(workspace: Workspace, ask: Ask, *, to_run: bool) -> Plan:
    asked = question(workspace, ask)
    try:
        made = _answer(workspace, ask, asked)
    except (ResolutionError, UnknownNameError) as error:
        if ask.lock is None:
            raise
        raise _drifted(ask, [error.what, *error.why]) from error
    workspace.index.remember()
    if ask.dataset_path and not _uses_given_data(workspace, made, asked):
        made = _with_given_data(workspace, ask, asked, made)
    refuse_lost_files(made)
    if to_run:
        _refuse_impossible(workspace, made)
    if ask.lock and (differences := drift(ask.lock, made)):
        raise _drifted(ask, differences)
    return made


def _given_data(workspace: Workspace, asked: Question) -> list[Candidate]:
    """Return as what the folder of ``--dataset_path`` is recognised: if it is given, no other data set is looked for."""
    return [item for item in asked.host.detected if workspace.index.get(item.component).dataset]


def _uses_given_data(workspace: Workspace, made: Plan, asked: Question) -> bool:
    places = {item.location for item in _given_data(workspace, asked)}
    return any(node.candidate.location in places for node in made.nodes)


def settled_question(workspace: Workspace, ask: Ask) -> Question:
    """Return the question that ``plan`` answers: that of ``ask``, on the data set of ``--dataset_path`` where only this has it used.

    Raises what ``question`` raises, and InputError if no plan would use that data set.
    """
    asked = question(workspace, ask)
    if not ask.dataset_path:
        return asked
    try:
        made = _answer(workspace, ask, asked)
    except (ResolutionError, UnknownNameError):
        return asked  # it has no answer
    if _uses_given_data(workspace, made, asked):
        return asked
    _with_given_data(workspace, ask, asked, made)
    return _on_given_data(workspace, asked, made)


def _answer(workspace: Workspace, ask: Ask, asked: Question) -> Plan:
    return make_plan(asked.target, asked.command, workspace.index, asked.host, asked.overrides, ask.env)


def _on_given_data(workspace: Workspace, asked: Question, made: Plan) -> Question:
    """Return ``asked`` with the requirement that the plan has the model of ``made`` and uses the data set given."""
    recognised = workspace.index.get(_given_data(workspace, asked)[0].component)
    wanted = requirement_on_data(
        workspace.index, recognised, role=DATASET, requirer="the command line", where="--dataset_path"
    )
    locked = (*asked.overrides.locked, wanted, *same_model(made))
    return msgspec.structs.replace(asked, overrides=msgspec.structs.replace(asked.overrides, locked=locked))


def _with_given_data(workspace: Workspace, ask: Ask, asked: Question, made: Plan) -> Plan:
    """Return a plan with the model of ``made`` that uses the data set given. Raises InputError if there is none."""
    try:
        again = _answer(workspace, ask, _on_given_data(workspace, asked, made))
    except ResolutionError:
        raise unused_data(made, ask.dataset_path) from None
    if not _uses_given_data(workspace, again, asked):
        raise unused_data(made, ask.dataset_path)
    return again


def _refuse_impossible(workspace: Workspace, made: Plan) -> None:
    """Raise InputError for a run that cannot be, whatever the machine, if the program takes the harness's inputs."""
    inputs = made.inputs
    if not any("harness" in node.roles for node in made.nodes):
        return
    model = next((workspace.index.get(n.candidate.component).model for n in made.nodes if "model" in n.roles), None)
    for item in (workspace.index.get(n.candidate.component).ruleset for n in made.nodes if RULESET in n.roles):
        if item is not None:
            scenario_rules(item, inputs.get("scenario", DEFAULT_SCENARIO.name))
    refuse_impossible(
        model,
        scenario=inputs.get("scenario", DEFAULT_SCENARIO.name),
        mode=inputs.get("mode", "both"),
        instances=int(inputs.get("instances") or 1),
        batch_size=int(inputs.get("batch_size") or 0),
    )


def question(workspace: Workspace, ask: Ask) -> Question:
    """Check ``ask`` and gather the facts it is resolved with. Raises UnknownNameError or InputError."""
    target = target_requirement(workspace, ask)
    component = workspace.index.get(target.only) if target.only else None
    if component is None:
        _refuse_inputs(ask)
    given = {**_settled_inputs(workspace, component), **ask.inputs}
    inputs = check_inputs(workspace.index, component, given, ask.flags) if component else given
    secret = _secret_names(component)
    _refuse_secret_variables(ask, secret)
    overrides = Overrides(
        roles=ask.roles,
        env=ask.env,
        inputs={name: value for name, value in inputs.items() if name not in secret},  # whatever verb asks
        sources=ask.sources,
        locked=(
            *ask.chosen,
            *selections(workspace.index, component, inputs),
            *(lock_requirements(ask.lock, ask.lock_file) if ask.lock else ()),
        ),
        isolated=bool(component and component.kind == VENV_TEMPLATE),
    )
    return Question(
        target=target,
        command=_command(component, ask.command) if component and component.program else "",
        overrides=overrides,
        host=host_facts(
            workspace,
            [target, *overrides.locked, *_as_requirements(ask.roles)],
            overrides.inputs,
            ask,
        ),
    )


def _drifted(ask: Ask, differences: list[str]) -> LockDriftError:
    return LockDriftError(
        "the plan is not what the lock holds",
        where=ask.lock_file,
        why=differences,
        fix="undo the change, or lock again: loom lock TARGET",
        details={"differences": differences},
    )


def target_requirement(workspace: Workspace, ask: Ask) -> Requirement:
    """Return the requirement on role ``target``. Raises UnknownNameError for a tag or name nobody has."""
    if ask.name:
        return by_name(workspace.index, ask.name, ask.query, ask.kind)
    query = parse_query(ask.query, where="--tags")
    if not (query.tags or query.variations):
        _refuse_inputs(ask)
        raise InputError(
            "nothing was asked for", where="command line", fix="name a component (program:alias) or give --tags="
        )
    return by_tags(workspace.index, query, ask.kind, runnable=ask.runnable)


def _refuse_inputs(ask: Ask) -> None:
    """Raise UnknownNameError for an input if there is no program that could have it: it may be a flag with a slip."""
    for name in ask.inputs:
        fix = did_you_mean(f"--{name}", [f"--{item}" for item in ask.flags])
        raise UnknownNameError(f"there is no flag --{name}", where="command line", fix=fix)


def split_secrets(workspace: Workspace, ask: Ask) -> tuple[Ask, dict[str, str]]:
    """Return ``ask`` without the inputs that its program declares secret, and those: they belong in no plan."""
    requirement = target_requirement(workspace, ask)
    names = _secret_names(workspace.index.get(requirement.only) if requirement.only else None)
    secrets = {name: value for name, value in ask.inputs.items() if name in names}
    inputs = {name: value for name, value in ask.inputs.items() if name not in names}
    return msgspec.structs.replace(ask, inputs=inputs), secrets


def _secret_names(component: Component | None) -> frozenset[str]:
    declared = component.program.inputs if component and component.program else ()
    return frozenset(item.name for item in declared if item.secret)


def _refuse_secret_variables(ask: Ask, names: Collection[str]) -> None:
    """Refuse a secret that is given as a variable: plan, lock and record hold those."""
    for name in names:
        if (variable := f"LOOM_INPUT_{name.upper()}") in ask.env:
            raise InputError(
                f"{variable} is a secret, and --env is written to plan and record",
                where=f"--env.{variable}",
                fix=f"write --{name}=VALUE, which no file receives",
            )


def _settled_inputs(workspace: Workspace, component: Component | None) -> dict[str, str]:
    """Inputs that the user's settings give, for a program that has them; a setting left alone gives none."""
    inputs = component.program.inputs if component and component.program else ()
    if not any(item.name == "ruleset" for item in inputs):
        return {}
    chosen = workspace.settings.ruleset
    return {} if chosen == Settings().ruleset else {"ruleset": chosen}


def selections(index: Index, component: Component | None, inputs: Mapping[str, str]) -> Iterator[Requirement]:
    """Yield the requirement of each of ``inputs`` (checked) that selects what fills a role."""
    declared = component.program.inputs if component and component.program else ()
    for item in declared:
        if component and item.selects and item.name in inputs:
            yield Requirement(
                role=item.selects,
                query=Query(),
                requirer="the command line",
                where=f"--{item.name}",
                optional=True,
                only=index.selectable(component, item.selects)[inputs[item.name]].ref,
            )


def check_inputs(
    index: Index, component: Component, given: Mapping[str, str], flags: Sequence[str] = ()
) -> dict[str, str]:
    """Return the inputs after checking names and values against the program's declarations.

    Raises UnknownNameError with what was probably meant (an input, a role, one of the verb's ``flags``), or InputError for a wrong value.
    """
    declared = {item.name: item for item in component.program.inputs} if component.program else {}
    for name, value in given.items():
        if name not in declared:
            raise UnknownNameError(
                f"{component.ref} has no input --{name}",
                where="command line",
                fix=meant_by(index, component, name, value, flags),
            )
    return {name: check_value(declared[name], value) for name, value in given.items()}


def check_value(declared: Input, value: str) -> str:
    """Return ``value`` in its declared spelling. Raises InputError where it is not of the declared type."""
    where = f"--{declared.name}"
    if declared.choices:
        by_lower = {choice.lower(): choice for choice in declared.choices}
        if value.lower() not in by_lower:
            hint = "" if declared.secret else did_you_mean(value, declared.choices)
            raise InputError(
                f"{_shown(declared, value)} is not a value of --{declared.name}",
                where=where,
                why=[f"it takes {', '.join(declared.choices)}"],
                fix=hint,
            )
        return by_lower[value.lower()]
    if declared.type in {"int", "float"}:
        return _check_number(declared, value, where)
    if declared.type == "path":
        path = Path(value).expanduser().resolve()
        if not path.exists():
            raise InputError(f"{'the path given' if declared.secret else value} does not exist", where=where)
        return str(path)
    return value


def _shown(declared: Input, value: str) -> str:
    return "the value given" if declared.secret else repr(value)


def _check_number(declared: Input, value: str, where: str) -> str:
    try:
        number = int(value) if declared.type == "int" else float(value)
    except ValueError:
        raise InputError(f"{_shown(declared, value)} is not a number ({declared.type})", where=where) from None
    if not math.isfinite(number):
        raise InputError(f"{_shown(declared, value)} is not a finite number", where=where)
    if declared.minimum is not None and number < declared.minimum:
        raise InputError(f"{value} is below the minimum {declared.minimum:g}", where=where)
    return value


def _command(component: Component, asked: str) -> str:
    assert component.program is not None
    names = [command.name for command in component.program.commands]
    if component.foreign_work:
        return asked  # resolution says what it would need
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
