"""Files that the user supplies to replace downloads of models: for one command, or registered for all."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchloom.app.workspace import Workspace
from benchloom.base import bounded, limits
from benchloom.base.atomic import write_bytes
from benchloom.base.digest import of_bytes
from benchloom.base.file_kinds import no_model
from benchloom.errors import InputError
from benchloom.model.component import Component
from benchloom.model.plan import Candidate, Plan


def kept_files(workspace: Workspace) -> dict[str, str]:
    """Return the registered files, by reference of the component. Raises InputError if the list cannot be read."""
    path = workspace.locations.given
    try:
        return msgspec.json.decode(bounded.read_bytes(path, limits.DOCUMENT_BYTES), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        fix = "remove it, and register each file again: loom detect soft:ml-model --tags=QUERY --full_path=FILE"
        raise InputError(
            "the list of files registered for models cannot be read", where=str(path), why=[str(error)], fix=fix
        ) from error


def keep_file(workspace: Workspace, component: Component, file: Path | None) -> None:
    """Register ``file`` to replace the download of ``component``; None unregisters it."""
    given = {ref: path for ref, path in kept_files(workspace).items() if ref != component.ref}
    if file is not None:
        given[component.ref] = str(file)
    write_bytes(workspace.locations.given, msgspec.json.format(msgspec.json.encode(given, order="sorted"), indent=2))


def model_file(text: str, where: str) -> Path:
    """Return the file named by ``text``.

    Raises InputError if it does not exist, or is not a model by its first bytes.
    """
    path = Path(os.path.abspath(Path(text).expanduser()))
    why: list[str] = []
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
    elif not path.stat().st_size:
        what = "is empty"
    elif why := no_model(str(path)):
        what = "is no model"
    else:
        return path
    raise InputError(f"{path} {what}", where=where, why=why, fix="name a model file")


def given_models(components: Sequence[Component], model_path: str, kept: Mapping[str, str]) -> list[Candidate]:
    """Return candidates for supplied files: ``model_path`` for each model among ``components``, else those of ``kept``.

    Raises InputError if ``model_path`` is not a file, or no model could use it.
    """
    models = [item for item in components if item.model is not None]
    if not model_path:
        return [_candidate(item, Path(kept[item.ref])) for item in models if item.ref in kept]
    if not models:
        raise InputError("the target has no model that could use the file", where="--model_path")
    file = model_file(model_path, "--model_path")
    return [_candidate(item, file) for item in models]


def _candidate(component: Component, file: Path) -> Candidate:
    try:
        found = file.stat()
        state = of_bytes(f"{file}\0{found.st_size}\0{found.st_mtime_ns}".encode())
    except OSError:
        state = ""  # reported if it is chosen
    family = component.family or component.ref
    return Candidate(component=component.ref, family=family, origin="detected", location=str(file), state=state)


def refuse_lost_files(plan: Plan) -> None:
    """Raise InputError if ``plan`` would use a registered file that is missing."""
    for node in plan.nodes:
        ref, location = node.candidate.component, node.candidate.location
        if "model" in node.roles and location and not Path(location).is_file():
            raise InputError(
                f"the file registered for {ref} is missing",
                where=location,
                fix=f"restore it, or unregister it: loom detect {ref} --forget",
            )
