"""Repositories: which folders are searched for components, and in which order."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from benchloom.base.atomic import write_bytes
from benchloom.base.names import did_you_mean, is_unicode
from benchloom.base.paths import Locations
from benchloom.errors import InputError, UnknownNameError
from benchloom.index.files import UnreadableFileError, read_file
from benchloom.model.base import Value, to_json

if TYPE_CHECKING:
    from filelock import FileLock


class Repository(Value, frozen=True, kw_only=True):
    """A folder with components. ``path`` is absolute.

    A repository with a higher ``priority`` (default 0, also for the built-in one) is searched first, and its components
    have unqualified names.

    ``url`` is the origin of a clone, without credentials (git keeps those in the clone), ``checkout`` the branch, tag
    or commit it is pinned to ('' follows its branch). ``built_in`` marks the one that ships with this engine.
    ``trusted`` allows its components to run their own commands during planning; those of the built-in repository always
    may.
    """

    alias: str
    path: str
    uid: str = ""
    url: str = ""
    priority: int = 0
    checkout: str = ""
    trusted: bool = False
    built_in: bool = False


def read_repository(path: Path, *, url: str = "", priority: int = 0) -> Repository:
    """Return the repository at ``path`` with the identity its ``.ckr.json`` gives.

    Raises InputError if there is no folder, or its identity cannot be read.
    """
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        raise InputError(f"{path} is not a folder", fix="name the folder that contains program/, package/ and so on")
    if not is_unicode(str(folder)):
        shown = os.fsencode(folder).decode(errors="backslashreplace")
        raise InputError("the path of a repository must be UTF-8", where=shown, fix="rename the folder, or link to it")
    marker = folder / ".ckr.json"
    identity: Any = {}
    if marker.is_file():
        try:
            identity = read_file(marker)
        except UnreadableFileError as error:
            raise InputError("the repository's identity cannot be read", where=str(marker), why=[str(error)]) from error
        if not isinstance(identity, dict):
            raise InputError("the repository's identity is not a table", where=str(marker), fix="fix or remove it")
    return Repository(
        alias=str(identity.get("data_alias") or identity.get("data_uoa") or folder.name),
        uid=str(identity.get("data_uid", "")),
        path=str(folder),
        url=url,
        priority=priority,
    )


def list_repositories(locations: Locations, built_in: Path, extra: Sequence[Path] = ()) -> tuple[Repository, ...]:
    """Return the repositories in order of precedence: by falling priority, the built-in one, added ones, the ``extra`` ones."""
    stored = stored_repositories(locations)
    by_path: dict[str, Repository] = {}
    for item in (*stored, *map(read_repository, (built_in, *extra))):
        by_path.setdefault(item.path, item)
    found = [msgspec.structs.replace(item, built_in=path == str(built_in)) for path, item in by_path.items()]
    return tuple(sorted(found, key=lambda item: (-item.priority, not item.built_in)))


def add_repository(locations: Locations, repository: Repository) -> None:
    """Add ``repository``. Raises InputError if another one has its alias."""
    locations.ensure()
    with _lock(locations):
        stored = [item for item in stored_repositories(locations) if item.path != repository.path]
        if any(item.alias == repository.alias for item in stored):
            raise InputError(
                f"a repository called {repository.alias!r} exists already", fix=f"loom repo remove {repository.alias}"
            )
        _write(locations, [*stored, repository])


def trust_repository(locations: Locations, alias: str, *, trusted: bool) -> Repository:
    """Set whether an added repository is trusted, and return it. Raises UnknownNameError."""
    locations.ensure()
    with _lock(locations):
        stored = stored_repositories(locations)
        changed = [msgspec.structs.replace(item, trusted=trusted) if item.alias == alias else item for item in stored]
        _write(locations, changed)
    return _stored(changed, alias)


def _stored(repositories: Sequence[Repository], alias: str) -> Repository:
    found = next((item for item in repositories if item.alias == alias), None)
    if found is None:
        names = [item.alias for item in repositories]
        raise UnknownNameError(
            f"no added repository is called {alias!r}", fix=did_you_mean(alias, names) or "see loom repo list"
        )
    return found


def remove_repository(locations: Locations, alias: str) -> Repository:
    """Remove a repository from the list (its files stay). Raises UnknownNameError."""
    locations.ensure()
    with _lock(locations):
        stored = stored_repositories(locations)
        gone = _stored(stored, alias)
        _write(locations, [item for item in stored if item != gone])
    return gone


def _write(locations: Locations, repositories: Sequence[Repository]) -> None:
    """Replace the list, readable by its owner alone: its URLs may be confidential."""
    write_bytes(locations.repositories, to_json(list(repositories)), mode=0o600)


def _lock(locations: Locations) -> "FileLock":
    from filelock import FileLock  # late: only changes of the list need it

    return FileLock(str(locations.repositories) + ".lock")


def stored_repositories(locations: Locations) -> tuple[Repository, ...]:
    """Return the added repositories in order of addition. Raises InputError if their list cannot be read."""
    try:
        return msgspec.json.decode(locations.repositories.read_bytes(), type=tuple[Repository, ...])
    except FileNotFoundError:
        return ()
    except msgspec.MsgspecError as error:
        where = str(locations.repositories)
        raise InputError(
            "the list of repositories cannot be read", where=where, why=[str(error)], fix=f"fix or remove {where}"
        ) from error
