"""Repositories: add, list, remove and update them, and keep their CK and CM identity in step with their folders."""

import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from filelock import FileLock

from benchloom.app.workspace import Workspace
from benchloom.authoring.identity import Drift, apply, changes
from benchloom.base.group import output_of_group
from benchloom.base.names import did_you_mean
from benchloom.errors import FetchError, InputError, OfflineError, UnknownNameError
from benchloom.index.built_in import built_in_repository, refuse_installed
from benchloom.index.index import load
from benchloom.index.repositories import (
    Repository,
    add_repository,
    read_repository,
    remove_repository,
    stored_repositories,
    trust_repository,
)
from benchloom.model.base import Document, SchemaTable, Value
from benchloom.store.entries import discard, remove_tree
from benchloom.store.fetch import redacted

Origin = Literal["built-in", "folder", "clone"]
Result = TypeVar("Result")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|[^/\\]+@[^/\\]+:|[a-z]+::")
_STAGE = ".stage-"
# The transports that git may use, overriding GIT_ALLOW_PROTOCOL: others run commands (ext) or read open files (fd).
_TRANSPORTS = ("file", "http", "https", "ssh", "git")
# Set in git hooks; they would make git work on the repository of the hook.
_GIT_PLACES = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"})


class ListedRepository(Value, frozen=True, kw_only=True):
    """One repository as ``loom repo list`` shows it.

    Attributes:
        alias: its name.
        path: its folder.
        origin: how it came to be known.
        uid: its uid.
        url: where it was cloned from, without credentials.
        checkout: the branch, tag or commit that was asked for.
        priority: the higher of two equally good answers wins.
        components: number of components found there.
        missing: whether its folder is gone.
        trusted: whether its commands may run while something is planned.
    """

    alias: str
    path: str
    origin: Origin
    uid: str = ""
    url: str = ""
    checkout: str = ""
    priority: int = 0
    components: int = 0
    missing: bool = False
    trusted: bool = False


class Updated(Value, frozen=True, kw_only=True):
    """What ``loom repo update`` did to one clone.

    Attributes:
        alias: its name.
        before: the commit before.
        after: the commit now.
    """

    alias: str
    before: str
    after: str


class Synced(Document, frozen=True, kw_only=True):
    """What ``loom repo sync`` changed, or would change.

    Attributes:
        path: the repository's folder.
        check: whether nothing was written (``--check``).
        drift: what was not as the folders say.
    """

    path: str
    check: bool
    drift: tuple[Drift, ...]


SCHEMAS: SchemaTable = {
    "repository": (ListedRepository, "loom repo add --json, loom repo remove --json"),
    "repository-list": (tuple[ListedRepository, ...], "loom repo list --json"),
    "repository-updates": (tuple[Updated, ...], "loom repo update --json"),
    "repository-sync": (Synced, "loom repo sync --json"),
}


def add(
    workspace: Workspace, source: str, *, name: str = "", priority: int = 0, checkout: str = ""
) -> ListedRepository:
    """Add a folder or clone a git URL. No code of the repository is run.

    Raises InputError (no such folder, name in use), OfflineError or FetchError (git failed), without leaving files
    behind.
    """
    if is_url(source):
        _refuse_transport(source)
        return _listed(workspace, _locked(workspace, lambda: _add_clone(workspace, source, name, priority, checkout)))
    if checkout:
        raise InputError("--checkout is for a git URL", where="--checkout", fix="check it out in the folder yourself")
    repository = _named(read_repository(Path(source), priority=priority), name)
    _refuse_taken(workspace, repository)
    add_repository(workspace.locations, repository)
    return _listed(workspace, repository)


def trust(workspace: Workspace, name: str, *, trusted: bool) -> ListedRepository:
    """Set whether components of the repository ``name`` may run their own commands during planning.

    Raises UnknownNameError.
    """
    return _listed(workspace, trust_repository(workspace.locations, name, trusted=trusted))


def listing(workspace: Workspace) -> tuple[ListedRepository, ...]:
    """Return every repository in order of precedence."""
    return tuple(_listed(workspace, item) for item in workspace.repositories)


def remove(workspace: Workspace, name: str) -> Repository:
    """Remove a repository from the list; a clone is deleted, the files of a folder stay. Raises UnknownNameError."""
    if name == read_repository(built_in_repository()).alias and not any(
        item.alias == name for item in stored_repositories(workspace.locations)
    ):
        raise InputError(f"{name} is the built-in repository", fix="only added ones can be removed")
    gone = remove_repository(workspace.locations, name)
    if is_clone(workspace, gone):
        _locked(workspace, lambda: discard(Path(gone.path), _STAGE))
    return gone


def update(workspace: Workspace, name: str = "") -> tuple[Updated, ...]:
    """Update clones (or the one called ``name``) from their URLs. Raises as ``add`` does.

    A clone with local commits or changes that conflict is left as it is, with git's reason.
    """
    clones = [item for item in stored_repositories(workspace.locations) if is_clone(workspace, item)]
    if name:
        clones = [item for item in clones if item.alias == name]
        if not clones:
            known = [item.alias for item in stored_repositories(workspace.locations)]
            fix = did_you_mean(name, known) or "see loom repo list; update folders that you added yourself"
            raise UnknownNameError(f"there is no cloned repository {name!r}", where="NAME", fix=fix)
    return tuple(_locked(workspace, lambda item=item: _update(workspace, item)) for item in clones)  # type: ignore[misc]


def sync(workspace: Workspace, path: str = "", *, name: str = "", check: bool = False) -> Synced:
    """Update the CK and CM identity of a repository (a folder or a known name; default: the built-in one) from its folders.

    ``name`` is the alias of a repository that has none yet. With ``check`` nothing is written. Raises InputError if
    the folder or its identity cannot be read.
    """
    root = Path(path).expanduser().resolve() if path else built_in_repository()
    if not root.is_dir():
        root = next((Path(item.path) for item in workspace.repositories if item.alias == path), root)
    if not root.is_dir():
        raise InputError(f"{path} is not a folder", fix="name the folder that contains program/, package/ and so on")
    clone = next((item for item in workspace.repositories if item.url and item.path == str(root)), None)
    if clone and not check:
        raise InputError(
            f"{clone.alias} is a clone of {clone.url}: changes there would conflict with the next update",
            where=str(root),
            fix="clone it to your own folder, and add that with loom repo add",
        )
    if not check:
        refuse_installed(root)
    found = changes(root, _checked(name) if name else "")
    if not check:
        apply(root, found)
    return Synced(path=str(root), check=check, drift=tuple(change.drift for change in found))


def is_url(source: str) -> bool:
    """Tell whether ``source`` is a git URL rather than a folder."""
    return bool(_REMOTE.match(source)) and not Path(source).is_dir()


def is_clone(workspace: Workspace, repository: Repository) -> bool:
    """Tell whether ``repository`` is a clone managed by loom."""
    return bool(repository.url) and Path(repository.path).parent == workspace.locations.clones.resolve()


def _add_clone(workspace: Workspace, url: str, name: str, priority: int, checkout: str) -> Repository:
    _refuse_network(workspace, url)
    clones = workspace.locations.clones
    for dead in clones.glob(f"{_STAGE}*"):
        discard(dead, _STAGE)
    stage = clones / f"{_STAGE}{secrets.token_hex(4)}"
    try:
        _git(workspace, ["clone", "--quiet", "--", url, str(stage)], clones, url)
        if checkout:
            _check_out(workspace, stage, checkout, url)
        found = _named(read_repository(stage, url=url, priority=priority), name or _name_from(stage, url))
        target = clones / found.alias
        placed = Repository(
            alias=found.alias,
            uid=found.uid,
            path=str(target.resolve()),
            url=redacted(url),
            priority=priority,
            checkout=checkout,
        )
        _refuse_taken(workspace, placed)
        if any(item.path == placed.path for item in stored_repositories(workspace.locations)):
            raise InputError(f"{placed.alias!r} exists already", fix=f"loom repo update {placed.alias}")
        discard(target, _STAGE)  # left by a process that was killed between here and the next line but one
        os.rename(stage, target)
        add_repository(workspace.locations, placed)
        return placed
    finally:
        remove_tree(stage)


def _update(workspace: Workspace, repository: Repository) -> Updated:
    _refuse_network(workspace, repository.url)
    folder = Path(repository.path)
    before = _head(workspace, folder)
    url = _git(workspace, ["config", "--get", "remote.origin.url"], folder, repository.url).strip()
    _git(workspace, ["fetch", "--quiet", "--tags", "--force", "origin"], folder, url)
    if repository.checkout:
        _check_out(workspace, folder, repository.checkout, url)
    else:
        _git(workspace, ["merge", "--quiet", "--ff-only", "@{upstream}"], folder, url)
    return Updated(alias=repository.alias, before=before, after=_head(workspace, folder))


def _check_out(workspace: Workspace, folder: Path, ref: str, url: str) -> None:
    """Check out a branch of the origin, a tag or a commit in ``folder``, without a local branch."""
    if ref.startswith("-"):
        raise InputError(f"{ref!r} is not a branch, tag or commit", where="--checkout")
    branches = _git(workspace, ["branch", "--remotes", "--list", f"origin/{ref}"], folder, url)
    wanted = f"origin/{ref}" if branches.strip() else ref
    _git(workspace, ["checkout", "--quiet", "--detach", wanted, "--"], folder, url)


def _head(workspace: Workspace, folder: Path) -> str:
    return _git(workspace, ["rev-parse", "HEAD"], folder, str(folder)).strip()


def _git(workspace: Workspace, words: list[str], folder: Path, url: str) -> str:
    """Run git without a terminal and return its output. Raises FetchError with its messages."""
    executable = shutil.which("git", path=workspace.environ.get("PATH"))
    if executable is None:
        raise FetchError("git is not installed", where=redacted(url), fix="install git, or add a folder")
    inherited = {key: value for key, value in workspace.environ.items() if key not in _GIT_PLACES}
    environ = {
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        **inherited,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(_TRANSPORTS),
    }
    with workspace.talk.progress(f"git {words[0]}", None, ""):
        done = output_of_group([executable, *words], cwd=folder, env=environ)
    if done.returncode:
        said = [line.replace(url, redacted(url)) for line in done.stderr.splitlines() if line.strip()]
        fix = "check the URL, and that git can access it without a prompt"
        raise FetchError(f"git {words[0]} failed", where=redacted(url), why=said[-6:], fix=fix)
    return done.stdout


def _refuse_transport(url: str) -> None:
    """Raise InputError for a URL with a transport other than ``_TRANSPORTS``, and for ``helper::address``."""
    scheme = re.match(r"([a-z][a-z0-9+.-]*)(://|::)", url)
    if scheme and (scheme.group(2) == "::" or scheme.group(1) not in _TRANSPORTS):
        raise InputError(
            f"repositories cannot be cloned over {scheme.group(1)!r}",
            where="SOURCE",
            fix=f"use a folder, or a URL with {', '.join(_TRANSPORTS)}",
        )


def _refuse_network(workspace: Workspace, url: str) -> None:
    if workspace.offline and urlsplit(url).scheme != "file":
        raise OfflineError("the repository is on the network", where=redacted(url), fix="run without --offline")


def _refuse_taken(workspace: Workspace, repository: Repository) -> None:
    rivals = [item for item in workspace.repositories if item.alias == repository.alias]
    if any(item.path != repository.path for item in rivals):
        raise InputError(
            f"a repository called {repository.alias!r} exists already",
            where=rivals[0].path,
            fix="choose another name with --name",
        )


def _named(repository: Repository, name: str) -> Repository:
    return Repository(
        alias=_checked(name or repository.alias),
        uid=repository.uid,
        path=repository.path,
        url=repository.url,
        priority=repository.priority,
    )


def _checked(alias: str) -> str:
    if not _ALIAS.fullmatch(alias):
        raise InputError(
            f"{alias!r} is not a valid repository name",
            fix="use letters, digits and . _ @ + - (set one with --name)",
        )
    return alias


def _name_from(stage: Path, url: str) -> str:
    """Return the last part of the URL for a clone without a name of its own, '' for one with a name."""
    is_silent = read_repository(stage).alias == stage.name
    return re.split(r"[/:\\]", url.rstrip("/"))[-1].removesuffix(".git") if is_silent else ""


def _listed(workspace: Workspace, repository: Repository) -> ListedRepository:
    origin: Origin = "folder"
    if is_clone(workspace, repository):
        origin = "clone"
    elif repository.path == str(built_in_repository()):
        origin = "built-in"
    return ListedRepository(
        alias=repository.alias,
        path=repository.path,
        origin=origin,
        uid=repository.uid,
        url=redacted(repository.url) if repository.url else "",
        checkout=repository.checkout,
        priority=repository.priority,
        components=len(load([repository], workspace.locations.index).components),
        missing=not Path(repository.path).is_dir(),
        trusted=repository.trusted or repository.path == str(built_in_repository()),
    )


def _locked(workspace: Workspace, work: Callable[[], Result]) -> Result:
    clones = workspace.locations.clones
    clones.mkdir(parents=True, exist_ok=True)
    clones.chmod(0o700)  # git writes the credentials of a URL into the clone
    with FileLock(clones / ".lock"):
        return work()
