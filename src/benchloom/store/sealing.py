"""Sealing a folder: make every file read-only and durable, and digest it; several at once, since each waits for the disk."""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchloom.base import atomic, digest
from benchloom.base.talk import Progress, Silent, Talk
from benchloom.errors import InstallError

Stamp = tuple[int, int]
_Item = TypeVar("_Item")
_AT_ONCE = 8  # a disk handles several flushes at once
_MANY = 200  # from this number of files on, progress is shown


@dataclass(frozen=True)
class BuildOutput:
    """The result of a builder: text facts, and known facts about files by relative path.

    ``digests`` need not be computed again. ``durable`` files are read-only and on disk already: they are hard links to
    files of other entries.
    """

    meta: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    durable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sealed:
    """The content of a folder: digests and stamps of files, targets of links, all by relative path; and its ``folders``."""

    files: dict[str, str]
    links: dict[str, str]
    stamps: dict[str, Stamp]
    folders: Sequence[str]


def seal_files(content: Path, made: BuildOutput, label: str, talk: Talk) -> Sealed:
    """Make every file below ``content`` read-only and durable, and return a description of it; its folders are not durable yet.

    Raises InstallError for what an entry must not contain: devices, pipes, sockets, names that are not UTF-8.
    """
    folders: list[str] = []
    found = list(_found(content, folders))
    for item in found:
        _refuse_unspeakable(item.path)
    links = {item.name: os.readlink(item.path) for item in found if item.is_link}
    files = [item for item in found if not item.is_link]
    shown = talk if len(files) > _MANY else Silent()
    with shown.progress(f"sealing {label}", len(files), "files") as bar:
        digests = _seal_all(files, made, bar)
    return Sealed(digests, links, {item.name: stamp_of(item.path) for item in files}, folders)


def _seal_all(files: Sequence["_Found"], made: BuildOutput, bar: Progress) -> dict[str, str]:
    digests = {item.name: made.digests[item.name] for item in files if item.name in made.durable}
    bar.advance(len(digests))
    fresh = [item for item in files if item.name not in digests]

    def seal(item: _Found) -> None:
        _seal_file(item.path)
        digests[item.name] = made.digests.get(item.name) or digest.of_file(Path(item.path))
        bar.advance(1)

    _for_each(seal, fresh)
    return {item.name: digests[item.name] for item in files}


def make_durable(files: Sequence[str], folders: Sequence[str]) -> None:
    """Flush new files, and the names in folders, to the disk.

    Raises OSError.
    """
    _for_each(_flush, files)
    _for_each(atomic.fsync_folder, folders)


def _for_each(work: Callable[[_Item], None], items: Sequence[_Item]) -> None:
    """Call ``work`` for each item, in several threads if there are many.

    Raises the first exception.
    """
    if len(items) < _AT_ONCE:
        for item in items:
            work(item)
        return
    from concurrent.futures import ThreadPoolExecutor  # late: few entries have more than a handful of files

    def work_through(part: Sequence[_Item]) -> None:
        for item in part:
            work(item)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(work_through, (items[start::_AT_ONCE] for start in range(_AT_ONCE))))


def scan(content: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return digests by path and link targets by path of a folder. Names use forward slashes.

    Raises OSError if something cannot be read.
    """
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    for item in _found(content, []):
        if item.is_link:
            links[item.name] = os.readlink(item.path)
        elif not os.path.isfile(item.path):
            raise OSError(errno.EINVAL, "it is not a file, folder or link", item.path)
        else:
            files[item.name] = digest.of_file(Path(item.path))
    return files, links


class _Found(NamedTuple):
    """Something below a folder that is not a folder; ``name`` is relative, with forward slashes."""

    name: str
    path: str
    is_link: bool


def _found(content: Path, folders: list[str]) -> Iterator[_Found]:
    """Yield files and symbolic links below a folder in a fixed order, without following links, and note the ``folders``."""
    waiting = [("", str(content))]
    while waiting:
        below, folder = waiting.pop()
        folders.append(folder)
        with os.scandir(folder) as listing:
            items = sorted(listing, key=lambda item: item.name)
        for item in items:
            if item.is_dir(follow_symlinks=False):
                waiting.append((f"{below}{item.name}/", item.path))
            else:
                yield _Found(f"{below}{item.name}", item.path, item.is_symlink())


def stamp_of(path: str | Path) -> Stamp:
    """Return a file's size in bytes and time of change in nanoseconds.

    Raises OSError.
    """
    status = os.lstat(path)
    return status.st_size, status.st_mtime_ns


def _refuse_unspeakable(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise InstallError("a build produced a file whose name is not UTF-8", where=ascii(path)) from error


def _seal_file(path: str) -> None:
    """Make one file read-only and durable; devices, pipes and sockets are refused."""
    mode = os.lstat(path).st_mode
    if not stat.S_ISREG(mode):
        raise InstallError("a build produced something that is not a file, folder or link", where=path)
    os.chmod(path, stat.S_IMODE(mode) & ~0o222 | 0o444)
    _flush(path)


def _flush(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
