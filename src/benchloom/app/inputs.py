"""Inputs of a program: declared names and values, inputs from settings, and secrets, which are not part of a plan."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from benchloom.app.requests import PlanRequest
from benchloom.app.settings import UserConfig
from benchloom.app.targets import meant_by
from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.index.index import Index
from benchloom.model.component import Component, Requirement
from benchloom.model.inputs import INPUT_PREFIX, check_value
from benchloom.model.query import Query


def refuse_inputs(request: PlanRequest) -> None:
    """Raise UnknownNameError for inputs of a target without a program: they may be misspelt flags."""
    for name in request.inputs:
        fix = did_you_mean(f"--{name}", [f"--{item}" for item in request.flags])
        raise UnknownNameError(f"there is no flag --{name}", where="command line", fix=fix)


def secret_names(component: Component | None) -> frozenset[str]:
    """Return the names of the inputs that a program declares secret."""
    declared = component.program.inputs if component and component.program else ()
    return frozenset(item.name for item in declared if item.secret)


def refuse_secret_variables(request: PlanRequest, names: Collection[str]) -> None:
    """Raise InputError for a secret passed as a variable: these are written to plan, lock and record."""
    for name in names:
        if (variable := f"{INPUT_PREFIX}{name.upper()}") in request.env:
            raise InputError(
                f"{variable} is a secret, but --env is written to plan and record",
                where=f"--env.{variable}",
                fix=f"write --{name}=VALUE, which is not written to any file",
            )


def settled_inputs(workspace: Workspace, component: Component | None) -> dict[str, str]:
    """Return the inputs from the user's settings that the program has; default settings give none."""
    inputs = component.program.inputs if component and component.program else ()
    if not any(item.name == "ruleset" for item in inputs):
        return {}
    chosen = workspace.settings.ruleset
    return {} if chosen == UserConfig().ruleset else {"ruleset": chosen}


def command_inputs(component: Component | None, command: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the inputs that the program and its ``command`` state as variables; ``env``, which the user gives, comes before them."""
    program = component.program if component else None
    if program is None:
        return {}
    of_command = next((item.env for item in program.commands if item.name == command), {})
    return {
        name.removeprefix(INPUT_PREFIX).lower(): value
        for name, value in {**program.env, **of_command}.items()
        if name.startswith(INPUT_PREFIX) and name not in env
    }


def selections(index: Index, component: Component | None, inputs: Mapping[str, str]) -> Iterator[Requirement]:
    """Yield the requirement of each of ``inputs`` (checked) that selects the component of a role."""
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

    Raises UnknownNameError with a suggestion (an input, a role, one of the verb's ``flags``), or InputError for a wrong
    value.
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
