"""Detect: what soft components find on this machine."""

import os
from collections.abc import Sequence
from pathlib import Path

from benchloom.app.given import keep_file, kept_files, model_file
from benchloom.app.workspace import Workspace
from benchloom.errors import InputError
from benchloom.index.index import refuse_unknown_tags
from benchloom.model.base import SchemaTable, Value
from benchloom.model.component import Component
from benchloom.model.plan import Candidate
from benchloom.model.query import parse_query
from benchloom.store import detect as recognition


class Detected(Value, frozen=True, kw_only=True):
    """One thing found.

    Attributes:
        component: reference of the component it is.
        version: its version; empty if it does not tell.
        location: where it lies; empty for a library of this Python.
    """

    component: str
    version: str = ""
    location: str = ""


SCHEMAS: SchemaTable = {"detected": (tuple[Detected, ...], "loom detect --json")}


def give_model(workspace: Workspace, name: str, tags: str, path: str) -> Detected:
    """Register the file at ``path`` for the model that ``name`` and ``tags`` select, for all later commands.

    Raises UnknownNameError, or InputError if several models match, or the file does not exist.
    """
    component = one_model(workspace, name, tags, "--tags")
    file = model_file(path, "--full_path")
    keep_file(workspace, component, file)
    return Detected(component=component.ref, location=str(file))


def forget_model(workspace: Workspace, name: str, tags: str) -> Detected | None:
    """Unregister the file of the model that ``name`` and ``tags`` select; return it, or None if there was none."""
    component = one_model(workspace, name, tags, "--tags")
    given = kept_files(workspace).get(component.ref)
    keep_file(workspace, component, None)
    return None if given is None else Detected(component=component.ref, location=given)


def is_model(workspace: Workspace, name: str, tags: str) -> bool:
    """Tell whether ``name`` and ``tags`` select models, which are not detected but registered."""
    return bool(models(workspace, name, tags, "--tags"))


def one_model(workspace: Workspace, name: str, tags: str, where: str) -> Component:
    """Return the model that ``name`` and ``tags`` select.

    Raises UnknownNameError, or InputError unless it is exactly one.
    """
    found = models(workspace, name, tags, where)
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"{len(found)} models match" if found else "no model matches",
        where=where,
        why=[item.ref for item in found],
        fix="add tags that only one of them has" if found else "select it by tags: loom find package --tags=model",
    )


def models(workspace: Workspace, name: str, tags: str, where: str) -> tuple[Component, ...]:
    """Return the models called ``name``, or that register the soft component of that name, and match ``tags``.

    Raises UnknownNameError for a name or tag that no component has.
    """
    query = parse_query(tags, where=where)
    refuse_unknown_tags(query, workspace.index.components, where)
    found = tuple(item for item in workspace.index.match(query, ["package"]) if item.model is not None)
    if not name:
        return found
    ref = workspace.index.get(name, kind="" if ":" in name else "soft").ref
    return tuple(item for item in found if ref in {item.ref, item.family})


def detect(
    workspace: Workspace, name: str = "", tags: str = "", *, full_path: str = "", search: Sequence[str] = ()
) -> tuple[Detected, ...]:
    """Return what the components called ``name`` or matching ``tags`` (all by default) detect, sorted by name.

    ``full_path`` limits it to that file or folder; ``search`` folders are searched first. Raises UnknownNameError,
    or InputError for a component without detection, or a missing path.
    """
    places = [_existing(item, "--search_dirs") for item in search]
    wanted = _existing(full_path, "--full_path") if full_path else None
    if wanted is not None:
        places.insert(0, wanted if wanted.is_dir() else wanted.parent)
    found = [
        candidate
        for component in _components(workspace, name, tags)
        for candidate in recognition.detect(
            component,
            environ=workspace.environ,
            search=places,
            trusted=bool(name) or component.repo in workspace.trusted,  # naming a component is an explicit request
        )
        if wanted is None or _is_at(candidate, wanted)
    ]
    return tuple(Detected(component=item.component, version=item.version, location=item.location) for item in found)


def _components(workspace: Workspace, name: str, tags: str) -> list[Component]:
    if name:
        kind = "" if ":" in name else "soft"
        component = workspace.index.get(name, kind=kind)
        if component.detect is None:
            fix = "name a soft component: loom find soft"
            raise InputError(f"{component.ref} does not state how to detect it", where=component.file, fix=fix)
        return [component]
    query = parse_query(tags, where="--tags")
    refuse_unknown_tags(query, workspace.index.components, "--tags")
    return [item for item in workspace.index.match(query) if item.detect is not None]


def _is_at(candidate: Candidate, wanted: Path) -> bool:
    """Tell whether a candidate is the given file or folder; one without a location never is."""
    return bool(candidate.location) and Path(candidate.location) == wanted


def _existing(text: str, where: str) -> Path:
    path = Path(os.path.abspath(Path(text).expanduser()))
    if not path.exists():
        raise InputError(f"{text} does not exist", where=where)
    return path
