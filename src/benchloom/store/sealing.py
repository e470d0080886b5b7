"""Sealing a folder: every file read-only, durable and digested, several at once, since each waits for the disk."""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchloom.base import atomic, digest
from benchloom.base.talk import Progress, Silent, Talk
from benchloom.errors import InstallError

Stamp = tuple[int, int]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_AT_ONCE = 8  # waiting for one flush, a disk takes others along
_MANY = 200  # files that take long enough to tell a person about them


@dataclass(frozen=True)
class Made:
    """What a builder says of what it made: text facts, and what it knows of files by relative path.

    ``digests`` need not be computed again. ``durable`` files are read-only and on the disk already: they are hard links to
    files of other entries.
    """

    meta: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    durable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sealed:
    """The content of a folder: digests and stamps of files, targets of links, all by relative path."""

    files: dict[str, str]
    links: dict[str, str]
    stamps: dict[str, Stamp]


def seal_files(content: Path, made: Made, label: str, talk: Talk) -> Sealed:
    """Make every file below ``content`` read-only and durable, and return what is there.

    Raises InstallError for what has no place in an entry: devices, pipes, sockets, names that are not UTF-8.
    """
    paths = list(walk(content))
    for path in paths:
        _refuse_unspeakable(path)
    links = {_name(path, content): os.readlink(path) for path in paths if path.is_symlink()}
    files = {name: path for path in paths if (name := _name(path, content)) not in links}
    shown = talk if len(files) > _MANY else Silent()
    with shown.progress(f"sealing {label}", len(files), "files") as bar:
        digests = _seal_all(files, made, bar)
    _for_each(atomic.fsync_folder, [Path(folder) for folder, _, _ in os.walk(content)])
    return Sealed(digests, links, {name: stamp_of(path) for name, path in files.items()})


def _seal_all(files: Mapping[str, Path], made: Made, bar: Progress) -> dict[str, str]:
    def seal(name: str) -> str:
        path = files[name]
        if name not in made.durable:
            _seal_file(path)
        found = made.digests.get(name) or digest.of_file(path)
        bar.advance(1)
        return found

    return dict(zip(files, _for_each(seal, list(files)), strict=True))


def _for_each(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    if len(items) < _AT_ONCE:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor  # late: few entries have more than a handful of files

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))


def _name(path: Path, content: Path) -> str:
    return path.relative_to(content).as_posix()


def scan(content: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return digests by path and link targets by path of a folder. Names use forward slashes.

    Raises OSError where something cannot be read.
    """
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    for path in walk(content):
        name = _name(path, content)
        if path.is_symlink():
            links[name] = os.readlink(path)
        elif not path.is_file():
            raise OSError(errno.EINVAL, "it is not a file, folder or link", str(path))
        else:
            files[name] = digest.of_file(path)
    return files, links


def walk(content: Path) -> Iterator[Path]:
    """Yield files and symbolic links below a folder in a fixed order, without following links."""
    for folder, folders, names in os.walk(content):
        folders.sort()
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from (Path(folder) / name for name in sorted([*names, *linked]))


def stamp_of(path: Path) -> Stamp:
    """Return a file's size in bytes and time of change in nanoseconds. Raises OSError."""
    status = os.lstat(path)
    return status.st_size, status.st_mtime_ns


def _refuse_unspeakable(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InstallError("a builder left a file whose name is not UTF-8", where=ascii(str(path))) from error


def _seal_file(path: Path) -> None:
    """Make one file read-only and durable; devices, pipes and sockets have no place in an entry."""
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise InstallError("a builder left something that is not a file, folder or link", where=str(path))
    os.chmod(path, stat.S_IMODE(mode) & ~0o222 | 0o444)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
