"""Gather the host facts for resolution; no lower layer reads them."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchloom.app.given import given_models, kept_files
from benchloom.app.given_data import same_data
from benchloom.app.requests import GivenPaths
from benchloom.app.workspace import Workspace
from benchloom.base.digest import of_file
from benchloom.datasets.files import LABELS_PATH
from benchloom.errors import InputError
from benchloom.index.module_digests import ModuleDigests
from benchloom.model.component import Component, Requirement
from benchloom.model.plan import Candidate, Platform
from benchloom.resolve.host import HostFacts, Installed
from benchloom.resolve.reach import reachable
from benchloom.store.commands import PrintedVersions
from benchloom.store.detect import detect, needed_files


def host_facts(
    workspace: Workspace, targets: Sequence[Requirement], inputs: Mapping[str, str], places: GivenPaths
) -> HostFacts:
    """Return the host facts for resolution: platform, detected software, store entries.

    ``inputs`` are those of the program. Raises InputError if ``places`` contain no data set or model that the targets
    could use, or their Python cannot be used.
    """
    dataset_path = places.dataset_path
    components = reachable(targets, workspace.index)
    if inputs.get(LABELS_PATH):
        components = tuple(_without_labels(item) for item in components)
    datasets = [item for item in components if item.detect and item.dataset]
    printed = PrintedVersions(workspace.locations.index / "commands.msgpack")
    detected = [
        candidate
        for component in components
        if component.detect and not (dataset_path and component in datasets)
        for candidate in _registered(workspace, component, places.search)
        or detect(component, environ=workspace.environ, printed=printed, trusted=component.repo in workspace.trusted)
    ]
    printed.save()
    if dataset_path:
        detected += _given_datasets(datasets, dataset_path)
    detected += given_models(components, places.model_path, {**kept_files(workspace), **places.given})
    entries = list(workspace.store.entries())
    modules = {item.install.module for item in components if item.install and item.install.module}
    digests = ModuleDigests(workspace.locations.index / "modules.msgpack")
    by_module = {name: digests.of(name) for name in sorted(modules)}
    digests.save()
    return HostFacts(
        platform=platform_of(places.python),
        detected=tuple(detected),
        installed=frozenset(_installed(entry.meta) for entry in entries if "component" in entry.meta),
        stored=frozenset(entry.key for entry in entries),
        modules=by_module,
        input_files=_input_files(components, inputs),
    )


def _without_labels(component: Component) -> Component:
    """Return ``component`` without its label file in detection: the user names that file separately."""
    dataset, files = component.dataset, component.detect.files if component.detect else None
    if component.detect is None or dataset is None or files is None:
        return component
    labels = {dataset.labels, *dataset.other_labels}
    found = [
        tuple(item for item in patterns if item not in labels) for patterns in (files.patterns, *files.alternatives)
    ]
    images = msgspec.structs.replace(files, patterns=found[0], alternatives=tuple(found[1:]))
    detect = msgspec.structs.replace(component.detect, files=images)
    return msgspec.structs.replace(component, detect=detect)


def _input_files(components: Sequence[Component], inputs: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of the files that inputs name, if a component is built from them.

    Raises InputError for a path that is not a file.
    """
    read = {name for item in components if item.install for name in item.install.reads_inputs}
    files = {name: Path(inputs[name]) for name in sorted(read) if os.path.isabs(inputs.get(name, ""))}
    for name, path in files.items():
        if not path.is_file():
            raise InputError(f"{path} is not a file", where=f"--{name}")
    try:
        return {name: of_file(path) for name, path in files.items()}
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read", where="command line", why=[error.strerror or str(error)]
        ) from error


def _registered(workspace: Workspace, component: Component, places: Sequence[tuple[str, str]]) -> tuple[Candidate, ...]:
    """Return the candidates for ``component`` in the folders that are registered as its data set, or as any."""
    if not (component.detect and component.detect.files):
        return ()
    folders = [Path(folder) for folder, name in places if not name or same_data(workspace.index.get(name), component)]
    return detect(component, environ={}, search=folders) if folders else ()


def _given_datasets(datasets: Sequence[Component], path: str) -> list[Candidate]:
    folder = Path(path).expanduser().absolute()
    found = [candidate for item in datasets for candidate in detect(item, environ={}, search=[folder])]
    if found:
        return found
    needed = [
        f"{item.ref} needs {needed_files(item.detect.files)}" for item in datasets if item.detect and item.detect.files
    ]
    what = "contains no data set that this target can use" if folder.is_dir() else "is not a folder"
    raise InputError(
        f"{folder} {what}", where="--dataset_path", why=needed, fix="name the folder that contains these files"
    )


def platform_of(python: str = "") -> Platform:
    """Operating system, architecture and Python ``major.minor`` of ``python`` (of this process if it is empty).

    Raises InputError if ``python`` cannot be started or is too old.
    """
    version = platform.python_version()
    if python:
        from benchloom.store.python_env import interpreter_version  # late: few plans are for another Python

        version = interpreter_version(Path(python))
    return Platform(os=sys.platform, arch=platform.machine().lower(), python=".".join(version.split(".")[:2]))


def _installed(meta: Mapping[str, str]) -> Installed:
    variations = tuple(name for name in meta.get("variations", "").split(",") if name)
    return Installed(component=meta["component"], version=meta.get("version", ""), variations=variations)
