"""Detect software and files on this machine, as soft components describe them."""

import glob
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from benchloom.base import limits
from benchloom.base.digest import of_bytes
from benchloom.errors import ComponentError
from benchloom.model.component import Component
from benchloom.model.detect import FileGlob
from benchloom.model.plan import Candidate

if TYPE_CHECKING:
    from benchloom.store.commands import PrintedVersions

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def detect(
    component: Component,
    *,
    environ: Mapping[str, str],
    search: Sequence[Path] = (),
    printed: "PrintedVersions | None" = None,
    trusted: bool = False,
) -> tuple[Candidate, ...]:
    """Return the candidates of ``component`` on this machine, in a fixed order; ``search`` folders are searched first.

    A Python distribution of the running interpreter has no location, since plans do not contain its path. An executable
    whose version command fails, hangs, or may not be run is a candidate without a version, so it satisfies no range.
    ``trusted`` allows its repository to run any command; ``printed`` caches the output of commands. Raises
    ComponentError if the component's regular expression is invalid.
    """
    block = component.detect
    found: list[tuple[str, str]] = []
    if block and block.python:
        version = python_version(block.python.distribution)
        found = [(version, "")] if version else []
    elif block and block.executable:
        from benchloom.store.commands import PrintedVersions, executables  # late: few plans need an executable

        try:
            found = list(
                executables(block.executable, environ, search, printed or PrintedVersions(None), trusted=trusted)
            )
        except re.error as error:
            raise ComponentError(
                f"{component.ref}: version_regex is not a regular expression", where=component.file, why=[str(error)]
            ) from error
    elif block and block.files:
        return tuple(
            Candidate(
                component=component.ref,
                family=component.family or component.ref,
                version=block.files.version,
                origin="detected",
                location=str(path),
                state=state,
            )
            for path, state in _file_places(block.files, environ, search, is_folder=component.dataset is not None)
        )
    return tuple(
        Candidate(
            component=component.ref,
            family=component.family or component.ref,
            version=version,
            origin="detected",
            location=location,
        )
        for version, location in found
    )


def python_version(distribution: str) -> str:
    """Return the version of a distribution in the running interpreter without importing it, or ''.

    The folders that installers write are named after distribution and version; the much slower
    ``importlib.metadata`` is used only if older formats are present.
    """
    name = _plain(distribution)
    versions, others = _installed()
    if name in versions:
        return versions[name]
    if name not in others:
        return ""
    from importlib import metadata  # late, see above

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


@cache
def _installed() -> tuple[dict[str, str], frozenset[str]]:
    """Versions by name from folders ``NAME-VERSION.dist-info`` on the module path, and the names in older formats.

    The first of several wins, as for imports.
    """
    found: dict[str, str] = {}
    others: set[str] = set()
    for place in sys.path:
        for entry in os.listdir(place or ".") if os.path.isdir(place or ".") else ():
            name, _, version = entry.rpartition(".")[0].partition("-")
            if entry.endswith(".dist-info"):
                found.setdefault(_plain(name), version)
            elif entry.endswith((".egg-info", ".egg")):
                others.add(_plain(name))
    return found, frozenset(others)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _file_places(
    block: FileGlob, environ: Mapping[str, str], search: Sequence[Path], *, is_folder: bool
) -> Iterator[tuple[Path, str]]:
    patterns = [*block.patterns, *(pattern for more in block.alternatives for pattern in more)]
    own = (Path(text) for item in block.search if (text := _expanded(item, environ)))
    seen = set()
    for folder in [*search, *(place for place in own if _is_searchable(place, patterns))]:
        found = _match(folder, block, is_folder=is_folder)
        if found is not None and found[0] not in seen:
            seen.add(found[0])
            yield found


def _match(folder: Path, block: FileGlob, *, is_folder: bool) -> tuple[Path, str] | None:
    """Return the folder in which every pattern matches, and a digest of its state.

    Unless ``is_folder`` (as for data sets), a single file matched by a single pattern is returned instead.
    """
    matches = recognised_by(folder, block)
    if not matches:
        return None
    is_one_file = (
        not is_folder and len(matches) == 1 and len(matches[0]) == 1 and os.path.isfile(folder / matches[0][0])
    )
    place = (folder / matches[0][0] if is_one_file else folder).absolute()
    state = _state(folder, [name for names in matches for name in names])
    return place, of_bytes(f"{state} {place}".encode()) if block.linked else state


def recognised_by(folder: Path, block: FileGlob) -> list[list[str]]:
    """Return the files, relative to ``folder``, that match each pattern of ``block``; none if a pattern has no match."""
    for patterns in (block.patterns, *block.alternatives) if os.path.isdir(folder) else ():
        # Stop at a pattern without a match: the next one may walk through everything below the folder.
        matches = list(takewhile(bool, (_matches(folder, pattern) for pattern in patterns)))
        if len(matches) == len(patterns) and len(matches[0]) >= block.minimum:
            return matches
    return []


def needed_files(block: FileGlob) -> str:
    """Return in words which files a folder needs, with ``[Aa]`` shown as one letter."""
    groups = (" and ".join(item) for item in (block.patterns, *block.alternatives))
    return re.sub(r"\[([A-Za-z])([A-Za-z])\]", _one_letter, " or ".join(groups))


def _one_letter(match: re.Match[str]) -> str:
    return match[1].lower() if match[1].lower() == match[2].lower() else match[0]


def _matches(folder: Path, pattern: str) -> list[str]:
    """Return the sorted matches below ``folder``; ``*.{a,b}`` is expanded, which ``glob`` does not support."""
    head, brace, rest = pattern.partition("{")
    choices, closed, tail = rest.partition("}")
    if not (brace and closed):
        return sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    return sorted({name for choice in choices.split(",") for name in _matches(folder, f"{head}{choice}{tail}")})


def _is_searchable(folder: Path, patterns: Sequence[str]) -> bool:
    """Tell whether ``folder`` is small enough for patterns that walk through subfolders; a whole disk is not."""
    count = 0
    for pattern in patterns:
        if not glob.has_magic(os.path.dirname(pattern)):
            continue
        fixed = os.path.dirname(re.split(r"[*?\[{]", pattern)[0])  # may point outside the folder
        for _, folders, names in os.walk(folder / fixed, followlinks=True):
            count += len(folders) + len(names)
            if count > limits.SEARCHED_ENTRIES:
                return False
    return True


def _state(folder: Path, names: Sequence[str]) -> str:
    """Digest of names, sizes and times: it changes if a file does, without reading any content.

    A broken link counts by its name: the step that needs the file reports that it is missing.
    """
    lines = []
    for name in names:
        try:
            status = (folder / name).stat()
        except OSError:
            lines.append(f"{name}\0")
        else:
            lines.append(f"{name}\0{status.st_size}\0{status.st_mtime_ns}")
    return of_bytes("\n".join(lines).encode(errors="surrogateescape"))


def _expanded(text: str, environ: Mapping[str, str]) -> str:
    """Expand ``~`` and ``$NAME`` from ``environ``; '' if a variable is not set."""
    text = re.sub(r"^~(?=/|$)", "${HOME}", text)
    if any(not environ.get(name) for name in _VARIABLE.findall(text)):
        return ""
    return _VARIABLE.sub(lambda match: environ[match.group(1)], text)
