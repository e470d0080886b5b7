"""Files registered by `ck detect`: whether they match a soft entry, and which of them a plan uses."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchloom.app.detecting import models, one_model
from benchloom.app.given import model_file
from benchloom.app.given_data import requirement_on_data, same_data
from benchloom.app.workspace import Workspace
from benchloom.base.names import nearest
from benchloom.errors import InputError, ResolutionError, UnknownNameError
from benchloom.model.base import Value
from benchloom.model.component import Component, Requirement
from benchloom.model.detect import FileGlob
from benchloom.model.plan import Candidate, Plan
from benchloom.model.provision import Built, Fetched, InPlace
from benchloom.store.detect import detect, needed_files, recognised_by

TAGS = "--extra_tags"  # the flag of `ck detect` that says which model a file is
_ALIKE = 0.85  # words more similar than this are taken for typing mistakes
_DEEPEST = 3  # folders between a registered file and the root of its data set, including the root


class Registered(Value, frozen=True, kw_only=True):
    """An environment of `ck` for local files: its uid, its soft entry or package (name or uid), and the registered file."""

    uid: str
    component: str
    path: str


class ModelOfFile(Value, frozen=True, kw_only=True):
    """The model whose download a local file replaces: uid (or alias) and tags of its component."""

    component: str
    tags: tuple[str, ...]


class Found(Value, frozen=True, kw_only=True):
    """A folder on this machine and the component that recognised it."""

    folder: Path
    candidate: Candidate
    registered: Registered | None = None


def recognise(workspace: Workspace, component: Component, path: Path) -> tuple[Found, ...]:
    """Return the candidates for the nearest folder that contains ``path`` and is recognised.

    It is recognised by ``component`` or by another one for the same data set.
    """
    alike = [
        (item, item.detect.files)
        for item in workspace.index.components
        if item.detect and item.detect.files and same_data(item, component)
    ]
    for folder in [path] if path.is_dir() else path.absolute().parents[:_DEEPEST]:
        found = [
            Found(folder=folder, candidate=candidate)
            for item, files in alike
            if path == folder or _is_part(path, folder, files)
            for candidate in detect(item, environ={}, search=[folder])
        ]
        if found:
            return tuple(found)
    return ()


def verified(workspace: Workspace, name: str, paths: Sequence[Path]) -> dict[str, str]:
    """Return the folder for each of ``paths`` that matches the soft entry ``name``.

    Raises InputError, with the required files, if none matches.
    """
    component = workspace.index.get(name)
    places = {str(path): str(found[0].folder) for path in paths if (found := recognise(workspace, component, path))}
    if not places:
        files = component.detect.files if component.detect else None
        raise InputError(
            f"{', '.join(map(str, paths))}: does not match {component.ref}",
            where="--full_path" if len(paths) == 1 else "--search_dirs",
            why=[f"it needs {needed_files(files)}"] if files else [],
            fix="name a file in the folder with these files",
        )
    return places


def model_of_file(workspace: Workspace, name: str, tags: str, path: Path) -> ModelOfFile:
    """Return the model for the file at ``path``, chosen by ``tags`` among those that register the soft entry ``name``.

    A tag that no model has only labels the environment, unless it is close to a known one. Raises UnknownNameError for
    that, and InputError if the tags match no model or several, or the file is not a model.
    """
    words = [word.strip() for word in tags.split(",") if word.strip()]
    known = {tag for item in models(workspace, name, "", TAGS) for tag in (*item.tags, *item.variations)}
    for word in words:
        if word not in known and (near := nearest(word, known, _ALIKE)):
            fix = f"write {near!r}, or rename your own tag"
            raise UnknownNameError(f"no model has the tag {word!r}", where=TAGS, fix=fix)
    if not known.intersection(words):
        why = [f"no model has the tag {word!r}" for word in words]
        raise InputError("no model matches", where=TAGS, why=why, fix="name one: ck search package --tags=model")
    component = one_model(workspace, name, ",".join(word for word in words if word in known), TAGS)
    model_file(str(path), "--full_path")
    return ModelOfFile(component=component.uid or component.alias, tags=component.tags)


def found_among(workspace: Workspace, registered: Sequence[Registered]) -> tuple[list[Found], list[Registered]]:
    """Return the recognised folders of ``registered``, and the environments whose files no longer match."""
    found: list[Found] = []
    lost: list[Registered] = []
    for item in registered:
        try:
            component = workspace.index.get(item.component, kind="soft")
        except UnknownNameError:
            continue  # of a repository without a program here
        if component.detect and component.detect.files:
            ones = recognise(workspace, component, Path(item.path))
            found += [msgspec.structs.replace(one, registered=item) for one in ones]
            lost += [] if ones else [item]
    return found, lost


def lost_data(item: Registered, where: str) -> InputError:
    """Return the error for an environment whose files no longer match."""
    return InputError(
        f"{item.path} is missing or changed since it was registered",
        where=where,
        fix=lost_fix(item),
    )


def lost_fix(item: Registered) -> str:
    """Return the fix for an environment whose files are missing."""
    return f"restore it, or remove it: ck rm env:{item.uid} --force"


def refuse_replaced_data(workspace: Workspace, made: Plan, lost: Sequence[Registered]) -> None:
    """Raise InputError if ``made`` would download what is registered but missing."""
    for item in lost:
        component = workspace.index.get(item.component, kind="soft")
        nodes = (node for node in made.nodes if isinstance(node.provision, Fetched | Built | InPlace))
        if any(same_data(workspace.index.get(node.candidate.component), component) for node in nodes):
            raise lost_data(item, f"env:{item.uid}")


def requirement_on(workspace: Workspace, found: Found, role: str, where: str) -> Requirement:
    """Return the requirement that ``role`` is filled by the data of ``found``, directly or preprocessed."""
    component = workspace.index.get(found.candidate.component)
    return requirement_on_data(workspace.index, component, role=role, requirer="ck", where=where)


def refuse_other_data(made: Plan, found: Sequence[Found], where: str) -> None:
    """Raise ResolutionError if ``made`` uses none of ``found``, the data that the user chose with ``where``."""
    places = {item.candidate.location for item in found}
    if any(node.candidate.location in places for node in made.nodes):
        return
    uses = [f"{', '.join(node.roles)}: {node.id}" for node in made.nodes if {"dataset", "model"} & set(node.roles)]
    raise ResolutionError(
        f"the run would not use the chosen data set: {found[0].folder}",
        where=where,
        why=uses,
        fix="choose a model for this data set: --dep_add_tags.model=TAGS",
    )


def refuse_ambiguous_data(workspace: Workspace, made: Plan, found: Sequence[Found]) -> None:
    """Raise ResolutionError if ``made`` uses one of several equally suitable registered data sets."""
    used = {node.candidate.location: node for node in made.nodes if node.candidate.origin == "detected"}
    for item in found:
        if item.candidate.location not in used:
            continue
        component = workspace.index.get(item.candidate.component)
        rivals = {
            other.registered.uid: other.folder
            for other in found
            if other.registered and same_data(workspace.index.get(other.candidate.component), component)
        }
        if len(set(rivals.values())) > 1:
            raise ResolutionError(
                f"{len(rivals)} registered environments are {component.dataset.name if component.dataset else component.ref}",
                where=f"role {', '.join(used[item.candidate.location].roles)}",
                why=[f"env:{uid} is {folder}" for uid, folder in rivals.items()],
                fix=f"choose one: --deps.dataset={next(iter(rivals))}, or --dep_add_tags.dataset=TAG that only one has",
            )


def _is_part(path: Path, folder: Path, files: FileGlob) -> bool:
    """Tell whether ``path`` is one of the files by which ``folder`` is recognised."""
    return any(
        path.absolute() == (folder / name).absolute() for names in recognised_by(folder, files) for name in names
    )
