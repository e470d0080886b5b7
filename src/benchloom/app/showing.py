"""Show one component with its folder, files and findings."""

from pathlib import Path

from benchloom.app.targets import find_one
from benchloom.app.workspace import Workspace
from benchloom.base.digest import iter_files
from benchloom.model.base import Value
from benchloom.model.component import Component
from benchloom.model.finding import Finding


class Shown(Value, frozen=True, kw_only=True):
    """The details of one component.

    Attributes:
        folder: absolute path of the component's folder.
        files: its files, relative to ``folder``, with forward slashes, sorted.
        findings: what reading it found.
    """

    component: Component
    folder: str
    files: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def show(workspace: Workspace, name: str, tags: str = "") -> Shown:
    """Return the component called ``name`` (``kind:alias``, alias or uid), or the one that ``tags`` select.

    Raises UnknownNameError with the nearest name, InputError listing several, or ComponentError if its files cannot be
    read.
    """
    index = workspace.index
    component = find_one(index, name, tags)
    folder = Path(index.folder(component))
    return Shown(
        component=component,
        folder=str(folder),
        files=tuple(path.relative_to(folder).as_posix() for path in iter_files(folder)),
        findings=tuple(item for item in index.findings if item.subject == component.ref),
    )
