"""Use cases of the `ck` adapter: install a component for a folder of `ck`, and prepare the variables of a program.

`ck` chooses by tags; results are kept in this engine's store, so both front ends share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchloom.app.ck_inputs import inputs_from
from benchloom.app.ck_registered import (
    Registered,
    found_among,
    lost_data,
    lost_fix,
    refuse_ambiguous_data,
    refuse_other_data,
    refuse_replaced_data,
    requirement_on,
)
from benchloom.app.given import model_file
from benchloom.app.planning import plan
from benchloom.app.requests import PlanRequest
from benchloom.app.rulesets import is_official
from benchloom.app.running import context_for, new_folder
from benchloom.app.workspace import Workspace
from benchloom.base.atomic import write_bytes
from benchloom.base.names import did_you_mean
from benchloom.errors import FetchError, InputError, InstallError, UnknownNameError
from benchloom.model.base import Document, Value, to_json
from benchloom.model.component import Requirement
from benchloom.model.facts import CK_FACTS_FILE
from benchloom.model.inputs import INPUT_PREFIX
from benchloom.model.plan import TARGET_ROLE, Plan
from benchloom.model.query import Query
from benchloom.run.check import check_before_long_work
from benchloom.run.facts import role_variables, runtime_variables
from benchloom.run.prepare import prepare
from benchloom.run.program import place_variables, program_of
from benchloom.store.roots import protect_install, protected

DATASET_PATH = "LOOM_DATASET_PATH"
MODEL_FILE = (
    "ML_MODEL_FILEPATH_EXTERNAL"  # of CK's own programs: the file of a model, in the place of the one that ck chose
)


class CkVariables(Document, frozen=True, kw_only=True):
    """The environment that a program of `ck` needs in addition to its own."""

    variables: dict[str, str]


@dataclass(frozen=True)
class Choice:
    """A component (by reference or uid) that `ck` chose for a role, in ``version`` ('' for any).

    Among ``tags`` are the names of its variations.
    """

    role: str
    component: str
    tags: tuple[str, ...] = ()
    version: str = ""


class CkChoices(Value, frozen=True, kw_only=True):
    """What `ck` has chosen and registered.

    Attributes:
        choices: the components that it chose for roles.
        models: files that replace the downloads of models among ``choices``.
        registered: data sets on this machine, any of which may be used.
        dataset: the one of them that the user chose; the others are then not considered.
        dataset_role: the role that the user chose it for, by the flag ``dataset_source``.
    """

    choices: tuple[Choice, ...] = ()
    models: tuple[Registered, ...] = ()
    registered: tuple[Registered, ...] = ()
    dataset: Registered | None = None
    dataset_role: str = ""
    dataset_source: str = ""


def install_for_ck(workspace: Workspace, request: PlanRequest, prefix: Path) -> Path:
    """Install the component of ``request``, write its facts to ``prefix``, and return the facts file.

    Raises what planning and preparing raise; then no facts file is written, so that the folder is not mistaken for a
    complete one.
    """
    facts_file = prefix / CK_FACTS_FILE
    facts_file.unlink(missing_ok=True)
    made = plan(workspace, request)
    folder = new_folder(workspace, "install")
    with protected(workspace.store, made, folder.name):
        try:
            prepared = prepare(made, context_for(workspace, folder))
        except FetchError as error:
            raise _or_detected(workspace, made, error) from error
        protect_install(workspace.store, made)
    node = made.in_role(TARGET_ROLE)
    if node is None or node.id not in prepared.facts:
        raise InstallError(f"{request.name} cannot be installed")
    facts = prepared.facts[node.id]
    place = facts.path or str(prepared.python.parent.parent)  # a library is in an environment
    write_bytes(facts_file, to_json(msgspec.structs.replace(facts, path=place)))
    return facts_file


def _or_detected(workspace: Workspace, made: Plan, error: FetchError) -> FetchError:
    """Return ``error`` with a hint on how to register data that may be on this machine already."""
    component = workspace.index.get(made.target)
    soft = next((item for item in workspace.index.components if item.ref == component.family and item.detect), None)
    if soft is None or soft.detect is None or soft.detect.files is None:
        return error
    fix = f"{error.fix}; if you have it: ck detect {soft.ref} --search_dirs=DIR"
    return type(error)(error.what, where=error.where, why=error.why, fix=fix, details=error.details)


def variables_for_ck(workspace: Workspace, request: PlanRequest, chosen: CkChoices, folder: Path) -> CkVariables:
    """Prepare everything the program of ``request`` needs around ``chosen``, and return its variables; files go to ``folder``.

    Inputs come from the environment. Raises what planning and preparing raise, also if the choices of `ck` are not
    compatible, or if the plan would not use the data set that the user chose or cannot decide between several.
    """
    made = _plan_around(workspace, request, chosen)
    folder.mkdir(parents=True, exist_ok=True)
    context = context_for(workspace, folder, verify=is_official(made))
    prepared = prepare(made, context, first=check_before_long_work(made, context, {}, folder / "check"))
    return CkVariables(
        variables={
            **{f"{INPUT_PREFIX}{name.upper()}": value for name, value in made.inputs.items()},
            **role_variables(program_of(made)[0].needs, prepared, folder / "facts"),
            **runtime_variables(context),
            **place_variables(made, prepared, context),
        }
    )


def _plan_around(workspace: Workspace, request: PlanRequest, chosen: CkChoices) -> Plan:
    found, lost = found_among(workspace, [chosen.dataset] if chosen.dataset else chosen.registered)
    if chosen.dataset and not found:
        raise lost_data(chosen.dataset, chosen.dataset_source)
    kept = [_requirement(workspace, choice) for choice in chosen.choices]
    if chosen.dataset:
        kept.append(requirement_on(workspace, found[0], chosen.dataset_role, chosen.dataset_source))
    places = tuple(dict.fromkeys((str(item.folder), item.candidate.component) for item in found))
    exported = workspace.environ.get(DATASET_PATH, "")  # variables of this shell override what is registered
    made = plan(
        workspace,
        msgspec.structs.replace(
            request,
            inputs=inputs_from(workspace.index.get(request.name), workspace.environ),
            chosen=tuple(kept),
            given={**_given(workspace, chosen.models), **_external_model(workspace, chosen.choices)},
            search=((exported, ""), *places) if exported else places,
            dataset_path=str(found[0].folder) if chosen.dataset else request.dataset_path,
        ),
    )
    _refuse_unknown_roles(made, kept)
    if chosen.dataset:
        refuse_other_data(made, found, chosen.dataset_source)
    else:
        refuse_ambiguous_data(workspace, made, [item for item in found if item.folder != Path(exported).absolute()])
        refuse_replaced_data(workspace, made, lost)
    return made


def _given(workspace: Workspace, registered: Sequence[Registered]) -> dict[str, str]:
    """Return the files of ``registered`` by reference of the component.

    Raises InputError for one that is no longer a model.
    """
    given: dict[str, str] = {}
    for item in registered:
        try:
            given[workspace.index.get(item.component).ref] = str(model_file(item.path, f"env:{item.uid}"))
        except InputError as error:
            raise InputError(error.what, where=error.where, why=error.why, fix=lost_fix(item)) from error
    return given


def _external_model(workspace: Workspace, choices: Sequence[Choice]) -> dict[str, str]:
    """Return the file that the user's environment names for the model that `ck` chose. Raises InputError if it is no model."""
    text = workspace.environ.get(MODEL_FILE, "")
    if not text:
        return {}
    models = [component for item in choices if (component := workspace.index.get(item.component)).model]
    if not models:
        raise InputError("the program has no model that a file could be given for", where=MODEL_FILE)
    return {component.ref: str(model_file(text, MODEL_FILE)) for component in models}


def _refuse_unknown_roles(made: Plan, kept: Sequence[Requirement]) -> None:
    roles = {role for node in made.nodes for role in node.roles}
    for item in kept:
        if item.role not in roles:
            fix = did_you_mean(item.role, roles) or f"its roles are {', '.join(sorted(roles))}"
            raise UnknownNameError(f"the plan has no role {item.role!r}", where=item.where, fix=fix)


def _requirement(workspace: Workspace, choice: Choice) -> Requirement:
    component = workspace.index.get(choice.component)
    only = component.family if component.is_python_library else component.ref
    query = Query(
        variations=tuple(tag for tag in choice.tags if tag in component.variations),
        version=f"=={choice.version}" if choice.version and component.is_python_library else "",
    )
    return Requirement(
        role=choice.role, query=query, requirer="ck", where=f"--dep_add_tags.{choice.role}", optional=True, only=only
    )
