"""What the adapter for `ck` asks for: a component brought into being for a folder of `ck`, and the variables of a program.

`ck` chooses by tags; everything that is obtained lies in this engine's store, so both front ends share it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchloom.app.planning import Ask, plan, question
from benchloom.app.running import means_for, new_folder
from benchloom.app.workspace import Workspace
from benchloom.base.atomic import write_bytes
from benchloom.errors import InstallError
from benchloom.model.base import Document, to_json
from benchloom.model.component import Requirement
from benchloom.model.plan import Node, Plan
from benchloom.model.query import Query
from benchloom.resolve.plan import TARGET_ROLE, make_plan
from benchloom.run.executor import Ready, prepare, role_variables, runtime_variables

FACTS_FILE = "loom.json"


class CkVariables(Document, frozen=True, kw_only=True):
    """The environment that a program of `ck` needs in addition to its own."""

    variables: dict[str, str]


@dataclass(frozen=True)
class Choice:
    """A component (by reference or uid) that `ck` chose for a role; among ``tags`` are the names of its variations."""

    role: str
    component: str
    tags: tuple[str, ...] = ()


def install_for_ck(workspace: Workspace, name: str, prefix: Path) -> Path:
    """Bring the component ``name`` into being and leave its facts in ``prefix``; return the facts file.

    Raises what planning and preparing raise; then no facts file is left, so that nothing takes the folder for whole.
    """
    facts_file = prefix / FACTS_FILE
    facts_file.unlink(missing_ok=True)
    made = plan(workspace, Ask(name=name))
    ready = prepare(made, means_for(workspace, new_folder(workspace, "install")))
    node = next((item for item in made.nodes if TARGET_ROLE in item.roles), None)
    if node is None or node.id not in ready.facts:
        raise InstallError(f"{name} is nothing that can be installed")
    write_bytes(facts_file, to_json(ready.facts[node.id]))
    return facts_file


def variables_for_ck(workspace: Workspace, name: str, choices: tuple[Choice, ...], folder: Path) -> CkVariables:
    """Prepare everything the program ``name`` needs around ``choices``, and return its variables; files go to ``folder``.

    Raises what planning and preparing raise: also where what `ck` chose does not go together.
    """
    made = _plan_around(workspace, name, choices)
    folder.mkdir(parents=True, exist_ok=True)
    means = means_for(workspace, folder)
    ready = prepare(made, means)
    return CkVariables(
        variables={
            **role_variables(_program(made).needs, ready, folder / "facts"),
            **runtime_variables(means),
            **_places(workspace, made, ready),
        }
    )


def _plan_around(workspace: Workspace, name: str, choices: tuple[Choice, ...]) -> Plan:
    asked = question(workspace, Ask(name=name))
    kept = tuple(_requirement(workspace, choice) for choice in choices)
    overrides = msgspec.structs.replace(asked.overrides, locked=kept)
    made = make_plan(asked.target, asked.command, workspace.index, asked.host, overrides, {})
    workspace.index.remember()
    return made


def _requirement(workspace: Workspace, choice: Choice) -> Requirement:
    component = workspace.index.get(choice.component)
    only = component.family if component.is_python_library else component.ref
    query = Query(variations=tuple(tag for tag in choice.tags if tag in component.variations))
    return Requirement(role=choice.role, query=query, requirer="ck", where=f"--choice={choice.role}", only=only)


def _program(made: Plan) -> Node:
    return next(node for node in made.nodes if node.action == "run")


def _places(workspace: Workspace, made: Plan, ready: Ready) -> Mapping[str, str]:
    source = workspace.index.folder(workspace.index.get(_program(made).candidate.component))
    return {"LOOM_PYTHON": str(ready.python), "LOOM_COMPONENT": str(source)}
