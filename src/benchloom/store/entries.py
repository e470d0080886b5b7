"""The content-addressed store: stage, seal, publish by rename.

A reader sees a whole entry or none. One builder runs per key, across threads and processes, under a file lock that the
kernel releases when its holder dies; the stage such a holder leaves behind is removed by the next builder of its key.
"""

import contextlib
import datetime as dt
import errno
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from benchloom.base import atomic, digest
from benchloom.base.talk import Silent, Talk
from benchloom.errors import InputError, InstallError, IntegrityError
from benchloom.model.base import Document, to_json

ENTRY_SCHEMA = "benchloom.entry/1"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,127}")
_ROOT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

Builder = Callable[[Path], Mapping[str, str] | None]


class Entry(Document, frozen=True, kw_only=True):
    """What ``entry.json`` says of one entry: sha256 by relative path, links by relative path, ``size`` in bytes.

    ``created`` is UTC, ISO 8601.
    """

    schema: str
    key: str
    label: str
    created: str
    files: dict[str, str]
    links: dict[str, str]
    size: int
    meta: dict[str, str]


class Store:
    """Entries below ``root``, each ``entries/<key>/{entry.json,content/}``. Nothing is created before it is needed."""

    def __init__(self, root: Path, talk: Talk | None = None) -> None:
        self.root = root
        self.talk: Talk = talk or Silent()

    def find(self, key: str) -> Entry | None:
        """Return the entry, or None. One whose entry.json cannot be read is moved to quarantine, with a warning."""
        path = self._folder(key) / "entry.json"
        try:
            entry = msgspec.json.decode(path.read_bytes(), type=Entry)
            if entry.key != key or entry.schema != ENTRY_SCHEMA or not (path.parent / "content").is_dir():
                raise msgspec.ValidationError("it describes another entry or has no content")
        except FileNotFoundError:
            if not path.parent.is_dir():
                return None
            self._quarantine(key, "entry.json is missing")
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._quarantine(key, f"entry.json cannot be read: {error}")
            return None
        return entry

    def content(self, key: str) -> Path:
        """Return the folder of an entry's content, whether or not it exists."""
        return self._folder(key) / "content"

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all entries, sorted."""
        return tuple(name for name in _names(self.root / "entries") if _KEY.fullmatch(name))

    def entries(self) -> Iterator[Entry]:
        """Yield every readable entry in the order of keys."""
        for key in self.keys():
            if entry := self.find(key):
                yield entry

    def build(self, key: str, label: str, builder: Builder) -> Entry:
        """Return the entry for ``key``, calling ``builder(content folder)`` only where none exists.

        ``builder`` fills the folder and may return text facts for ``meta``. Whatever it raises removes the stage and
        passes through; a full disk becomes InstallError.
        """
        if found := self.find(key):
            return found
        with self._disk_full(label), self._lock(key, label):
            self._clean_stages(key)
            return self.find(key) or self._build(key, label, builder)

    def remove(self, key: str) -> bool:
        """Remove an entry; tell whether there was one. A reader never sees part of it gone."""
        folder = self._folder(key)
        with self._lock(key, key):
            if not folder.is_dir():
                return False
            trash = self._stage_name(key)
            trash.parent.mkdir(parents=True, exist_ok=True)
            os.rename(folder, trash)
            atomic.fsync_folder(folder.parent)
            remove_tree(trash)
        return True

    def add_root(self, name: str, keys: Iterable[str]) -> None:
        """Protect ``keys`` from garbage collection under ``name`` (a run or lock), replacing what it held."""
        kept = sorted({self._checked(key) for key in keys})
        atomic.write_text(self._root_file(name), json.dumps(kept) + "\n")

    def remove_root(self, name: str) -> bool:
        """Forget a root; tell whether there was one."""
        try:
            self._root_file(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def roots(self) -> dict[str, tuple[str, ...]]:
        """Return the protected keys by root name. Raises IntegrityError where one cannot be read."""
        folder = self.root / "roots"
        return {name[:-5]: _read_root(folder / name) for name in _names(folder) if name.endswith(".json")}

    def clean_stages(self) -> tuple[str, ...]:
        """Remove stages whose process is gone, and return their names. Stages of live builders stay."""
        removed: list[str] = []
        for key in {name.split(".")[0] for name in _names(self.root / "stage")}:
            lock = self._file_lock(key)
            with contextlib.suppress(Timeout), lock.acquire(timeout=0):
                removed.extend(self._clean_stages(key))
        return tuple(sorted(removed))

    # -- building ---------------------------------------------------------------------------------------------------

    def _build(self, key: str, label: str, builder: Builder) -> Entry:
        stage = self._stage_name(key)
        content = stage / "content"
        content.mkdir(parents=True)
        try:
            meta = builder(content) or {}
            entry = _seal(key, label, content, meta)
            atomic.write_bytes(stage / "entry.json", to_json(entry))
            os.chmod(stage / "entry.json", 0o444)
            return self._publish(stage, entry)
        except BaseException:
            self._drop(stage)
            raise

    def _publish(self, stage: Path, entry: Entry) -> Entry:
        target = self._folder(entry.key)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(stage, target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES):
                raise
            first = self.find(entry.key)
            if first is None:
                raise
            remove_tree(stage)
            return first
        atomic.fsync_folder(target.parent)
        return entry

    def _drop(self, stage: Path) -> None:
        if os.environ.get("LOOM_KEEP_FAILED") == "1":
            self.talk.warn(f"the failed stage is kept in {stage}")
            atomic.write_text(stage / "keep", "LOOM_KEEP_FAILED=1\n")
            return
        remove_tree(stage)

    def _stage_name(self, key: str) -> Path:
        return self.root / "stage" / f"{key}.{os.getpid()}.{secrets.token_hex(4)}"

    def _clean_stages(self, key: str) -> list[str]:
        """Remove every stage of ``key``; its lock is held, so whoever made them is gone."""
        folder = self.root / "stage"
        stale = [
            name for name in _names(folder) if name.startswith(f"{key}.") and not (folder / name / "keep").exists()
        ]
        for name in stale:
            remove_tree(folder / name)
        return stale

    @contextlib.contextmanager
    def _lock(self, key: str, label: str) -> Iterator[None]:
        lock = self._file_lock(key)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.talk.note(f"waiting for another process that builds {label}")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _file_lock(self, key: str) -> FileLock:
        path = self.root / "locks" / f"{key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path)

    @contextlib.contextmanager
    def _disk_full(self, label: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise disk_full(self.root, label) from error

    # -- places -----------------------------------------------------------------------------------------------------

    def _folder(self, key: str) -> Path:
        return self.root / "entries" / self._checked(key)

    def _checked(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise InputError(f"{key!r} is not a store key", fix="a key is 4 to 128 letters, digits, '-' and '_'")
        return key

    def _root_file(self, name: str) -> Path:
        if not _ROOT_NAME.fullmatch(name):
            raise InputError(f"{name!r} is not a name for a root", fix="use letters, digits, '.', '-' and '_'")
        return self.root / "roots" / f"{name}.json"

    def _quarantine(self, key: str, reason: str) -> None:
        target = self.root / "quarantine" / f"{key}.{secrets.token_hex(4)}"
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process was faster, and it has warned
            os.rename(self.root / "entries" / key, target)
            self.talk.warn(f"store entry {key} is damaged ({reason}); it was moved to {target} and will be built again")


def disk_full(folder: Path, label: str) -> InstallError:
    """Return the error for a full disk below ``folder``, with the space that is left."""
    place = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    free = shutil.disk_usage(place).free
    return InstallError(
        f"the disk is full while building {label}",
        where=str(folder),
        why=[f"{free / 2**20:.1f} MiB are free; nothing half-written was kept"],
        fix="free some space (loom gc removes what nothing uses) or set LOOM_HOME to a larger disk",
        details={"free_bytes": free},
    )


def remove_tree(path: Path) -> None:
    """Remove a file or folder tree, even where it is read-only. A tree that is not there is fine."""

    def retry(function: Callable[..., object], name: str, _: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.chmod(os.path.dirname(name), 0o755)
            if not os.path.islink(name):
                os.chmod(name, 0o755)
            function(name)

    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, onerror=retry)


def scan(content: Path) -> tuple[dict[str, str], dict[str, str], int]:
    """Return digests by path, link targets by path and the total size of a folder. Names use forward slashes."""
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    size = 0
    for path in walk(content):
        name = path.relative_to(content).as_posix()
        if path.is_symlink():
            links[name] = os.readlink(path)
        else:
            files[name] = digest.of_file(path)
            size += path.stat().st_size
    return files, links, size


def walk(content: Path) -> Iterator[Path]:
    """Yield files and symbolic links below a folder in a fixed order, without following links."""
    for folder, folders, names in os.walk(content):
        folders.sort()
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from (Path(folder) / name for name in sorted([*names, *linked]))


def _seal(key: str, label: str, content: Path, meta: Mapping[str, str]) -> Entry:
    for path in walk(content):
        if not path.is_symlink():
            _seal_file(path)
    for folder, _, _ in os.walk(content):
        atomic.fsync_folder(Path(folder))
    files, links, size = scan(content)
    return Entry(
        schema=ENTRY_SCHEMA,
        key=key,
        label=label,
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        files=files,
        links=links,
        size=size,
        meta=dict(meta),
    )


def _seal_file(path: Path) -> None:
    """Make one file durable and read-only; devices, pipes and sockets have no place in an entry."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise InstallError("a builder left something that is not a file, folder or link", where=str(path))
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.chmod(path, stat.S_IMODE(mode) & ~0o222 | 0o444)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _read_root(path: Path) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[str, ...])
    except msgspec.DecodeError as error:
        raise IntegrityError(
            "a root of the store cannot be read",
            where=str(path),
            why=[str(error)],
            fix="delete the file if it is yours",
        ) from error
