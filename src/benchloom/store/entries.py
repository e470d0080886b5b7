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
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchloom.base import atomic
from benchloom.base.talk import Silent, Talk
from benchloom.base.units import human_bytes
from benchloom.errors import InputError, InstallError, IntegrityError
from benchloom.model.base import to_json
from benchloom.store.entry import ENTRY_SCHEMA, Entry, decode_entry
from benchloom.store.sealing import BuildOutput, Sealed, Stamp, make_durable, seal_files

if TYPE_CHECKING:
    from filelock import FileLock

WHEEL_KEY = "wheel-"  # prefix of the keys of wheels
WHEELS = "wheels"  # fact of an environment's entry: the keys of the wheels that its files come from
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,127}")
_ROOT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

_NOT_EMPTY = frozenset({errno.ENOTEMPTY, errno.EEXIST})

_SEAL = "seal.json"

Builder = Callable[[Path], Mapping[str, str] | BuildOutput | None]


class Store:
    """Entries below ``root``, each ``entries/<key>/{entry.json,seal.json,content/}``.

    Nothing is created before it is needed.
    """

    def __init__(self, root: Path, talk: Talk | None = None) -> None:
        self.root = root
        self.talk: Talk = talk or Silent()

    def find(self, key: str) -> Entry | None:
        """Return the entry, or None.

        One whose entry.json cannot be read is moved to quarantine, with a warning.
        """
        found = self._read(key)
        return self._read_again(key) if isinstance(found, str) else found

    def content(self, key: str) -> Path:
        """Return the folder of an entry's content, whether or not it exists."""
        return self._folder(key) / "content"

    def seal(self, key: str) -> dict[str, Stamp]:
        """Return size and change time of an entry's files by relative path, as of the last successful verification.

        It is kept next to entry.json, which every plan reads; empty if it cannot be read.
        """
        try:
            return msgspec.json.decode((self._folder(key) / _SEAL).read_bytes(), type=dict[str, Stamp])
        except (OSError, msgspec.DecodeError):
            return {}

    def set_seal(self, key: str, stamps: Mapping[str, Stamp]) -> None:
        """Record the files as verified in their present state.

        A read-only store keeps its old seal.
        """
        with contextlib.suppress(OSError):
            atomic.write_bytes(self._folder(key) / _SEAL, msgspec.json.encode(stamps))

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all entries, sorted."""
        return tuple(name for name in _names(self.root / "entries") if _KEY.fullmatch(name))

    def entries(self) -> Iterator[Entry]:
        """Yield every readable entry in the order of keys, except wheels: no plan names them, and there are many."""
        for key in self.keys():
            if not key.startswith(WHEEL_KEY) and (entry := self.find(key)):
                yield entry

    def build(self, key: str, label: str, builder: Builder) -> Entry:
        """Return the entry for ``key``, calling ``builder(content folder)`` only if none exists.

        ``builder`` fills the folder and may return text facts for ``meta``, or a BuildOutput. Any exception removes
        the stage and passes through; a full disk becomes InstallError.
        """
        if found := self.find(key):
            return found
        with disk_full_reported(self.root, label), self._lock(key, label):
            self._clean_stages(key)
            return self._sound(key) or self._build(key, label, builder)

    def remove(self, key: str) -> bool:
        """Remove an entry atomically; tell whether it existed."""
        folder = self._folder(key)
        with self._lock(key, key):
            if not os.path.lexists(folder):
                return False
            trash = self._stage_name(key)
            trash.parent.mkdir(parents=True, exist_ok=True)
            os.rename(folder, trash)
            atomic.fsync_folder(folder.parent)
            remove_tree(trash)
        return True

    def add_root(self, name: str, keys: Iterable[str]) -> None:
        """Protect ``keys`` from garbage collection under ``name`` (a run or lock), replacing its previous keys."""
        kept = sorted({self._checked(key) for key in keys})
        atomic.write_text(self._root_file(name), json.dumps(kept) + "\n")

    def remove_root(self, name: str) -> bool:
        """Remove a root; tell whether it existed."""
        try:
            self._root_file(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def roots(self) -> dict[str, tuple[str, ...]]:
        """Return the protected keys by root name.

        Raises IntegrityError if one cannot be read.
        """
        folder = self.root / "roots"
        found = {name[:-5]: _read_root(folder / name) for name in _names(folder) if name.endswith(".json")}
        return {name: keys for name, keys in found.items() if keys is not None}

    def clean_stages(self, *, dry_run: bool = False) -> tuple[str, ...]:
        """Remove stages whose process has ended (including those kept by LOOM_KEEP_FAILED) and return their names.

        Stages of live builders stay. With ``dry_run`` nothing is removed.
        """
        gone: list[str] = []
        for key in {name.split(".")[0] for name in _names(self.root / "stage")}:
            with self._tried_lock(key) as is_ours:
                if is_ours:
                    gone += self._stages(key)
                    for name in () if dry_run else self._stages(key):
                        remove_tree(self.root / "stage" / name)
        return tuple(sorted(gone))

    # -- reading ----------------------------------------------------------------------------------------------------

    def _read(self, key: str) -> Entry | str | None:
        """Return the entry, None if there is none, or a sentence about what is wrong with it. One of a newer schema is refused."""
        folder = self._folder(key)
        try:
            data = (folder / "entry.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return "entry.json is missing" if os.path.lexists(folder) else None
        entry = decode_entry(data, str(folder / "entry.json"))
        if isinstance(entry, Entry) and (entry.key != key or not (folder / "content").is_dir()):
            return "it describes another entry or has no content"
        return entry

    def _read_again(self, key: str) -> Entry | None:
        """Check a damaged entry again under its lock: another process may have published a valid one meanwhile."""
        try:
            with self._tried_lock(key) as is_ours:
                return self._sound(key) if is_ours else None  # the process that builds it has seen the damage as well
        except OSError as error:
            self.talk.warn(f"store entry {key} is damaged and cannot be quarantined: {error}")
            return None

    def _sound(self, key: str) -> Entry | None:
        """Return the entry, or None after moving a damaged one to quarantine.

        Its lock is held.
        """
        found = self._read(key)
        if not isinstance(found, str):
            return found
        target = self.root / "quarantine" / f"{key}.{os.urandom(4).hex()}"
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(self._folder(key), target)
        self.talk.warn(f"store entry {key} is damaged ({found}); it was moved to {target} and will be rebuilt")
        return None

    # -- building ---------------------------------------------------------------------------------------------------

    def _build(self, key: str, label: str, builder: Builder) -> Entry:
        stage = self._stage_name(key)
        content = stage / "content"
        content.mkdir(parents=True)
        try:
            said = builder(content) or {}
            made = said if isinstance(said, BuildOutput) else BuildOutput(meta=said)
            sealed = seal_files(content, made, label, self.talk)
            entry = _entry(key, label, sealed, made.meta)
            _describe(stage, entry, sealed)
            return self._publish(stage, entry)
        except BaseException:
            self._drop(stage)
            raise

    def _publish(self, stage: Path, entry: Entry) -> Entry:
        target = self._folder(entry.key)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(stage, target)
        except OSError as error:  # only on file systems without locks: another builder was faster
            if error.errno not in _NOT_EMPTY or not (first := self._sound(entry.key)):
                raise
            remove_tree(stage)
            return first
        atomic.fsync_folder(target.parent)
        return entry

    def _drop(self, stage: Path) -> None:
        if os.environ.get("LOOM_KEEP_FAILED") == "1":
            self.talk.warn(f"the stage of the failed build is kept in {stage} until loom gc")
            atomic.write_text(stage / "keep", "LOOM_KEEP_FAILED=1\n")
            return
        remove_tree(stage)

    def _stage_name(self, key: str) -> Path:
        return self.root / "stage" / f"{key}.{os.getpid()}.{os.urandom(4).hex()}"

    def _stages(self, key: str) -> list[str]:
        return [name for name in _names(self.root / "stage") if name.split(".")[0] == key]

    def _clean_stages(self, key: str) -> None:
        """Remove the stages of ``key`` except those kept on purpose; its lock is held, so their builders have ended."""
        for name in self._stages(key):
            if not (self.root / "stage" / name / "keep").exists():
                discard(self.root / "stage" / name, f"{key}.{os.getpid()}.")

    @contextlib.contextmanager
    def _lock(self, key: str, label: str) -> Iterator[None]:
        with self._tried_lock(key) as is_ours:
            if is_ours:
                yield
                return
        self.talk.note(f"waiting for another process that is building {label}")
        with self._file_lock(key):
            yield

    @contextlib.contextmanager
    def _tried_lock(self, key: str) -> Iterator[bool]:
        """Acquire the lock of ``key`` if it is free; tell whether it was."""
        from filelock import Timeout  # late: plans read the store and lock nothing

        lock = self._file_lock(key)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _file_lock(self, key: str) -> "FileLock":
        from filelock import FileLock  # late, as above

        path = self.root / "locks" / f"{key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path)

    # -- paths ------------------------------------------------------------------------------------------------------

    def _folder(self, key: str) -> Path:
        return self.root / "entries" / self._checked(key)

    def _checked(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise InputError(f"{key!r} is not a store key", fix="a key is 4 to 128 letters, digits, '-' and '_'")
        return key

    def _root_file(self, name: str) -> Path:
        if not _ROOT_NAME.fullmatch(name):
            raise InputError(f"{name!r} is not a valid root name", fix="use letters, digits, '.', '-' and '_'")
        return self.root / "roots" / f"{name}.json"


@contextlib.contextmanager
def disk_full_reported(folder: Path, label: str) -> Iterator[None]:
    """Convert a full disk (or quota) to InstallError, with the free space below ``folder``."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        import shutil  # late: importing it takes longer than reading a store

        place = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
        free = shutil.disk_usage(place).free
        raise InstallError(
            f"the disk is full: {label} could not be written",
            where=str(folder),
            why=[str(error), f"{human_bytes(free)} are free; incomplete files were removed"],
            fix="free some space (loom gc removes unused entries) or set LOOM_HOME to a folder on a larger disk",
            details={"free_bytes": free},
        ) from error


def remove_tree(path: Path) -> None:
    """Remove a file or folder tree, even if it is read-only.

    A missing file is not an error.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    import shutil  # late, as above

    while path.is_dir():
        with contextlib.suppress(FileNotFoundError):  # another process removes the same tree: check again
            os.chmod(path, 0o700)
            for folder, folders, _ in os.walk(path):
                for name in folders:
                    if not os.path.islink(os.path.join(folder, name)):
                        os.chmod(os.path.join(folder, name), 0o700)
            shutil.rmtree(path)


def discard(folder: Path, prefix: str) -> None:
    """Remove a folder atomically: it is first renamed to a name with ``prefix`` next to it.

    Writers that use its old name fail; files that are still written by open handles are left for the next call.
    """
    if not folder.is_dir():
        return
    trash = folder.parent / f"{prefix}{os.urandom(4).hex()}"
    os.rename(folder, trash)
    try:
        remove_tree(trash)
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            raise


def _entry(key: str, label: str, sealed: Sealed, meta: Mapping[str, str]) -> Entry:
    return Entry(
        schema=ENTRY_SCHEMA,
        key=key,
        label=label,
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        files=sealed.files,
        links=sealed.links,
        size=sum(size for size, _ in sealed.stamps.values()),
        meta=dict(meta),
    )


def _describe(stage: Path, entry: Entry, sealed: Sealed) -> None:
    """Write the description of an entry next to its content, before it is published, and make everything durable."""
    about, seal = stage / "entry.json", stage / _SEAL
    about.write_bytes(to_json(entry))
    about.chmod(0o444)
    seal.write_bytes(msgspec.json.encode(sealed.stamps))
    make_durable([str(about), str(seal)], [*sealed.folders, str(stage)])


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _read_root(path: Path) -> tuple[str, ...] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[str, ...])
    except FileNotFoundError:  # removed since the folder was listed
        return None
    except msgspec.DecodeError as error:
        raise IntegrityError(
            "a root of the store cannot be read",
            where=str(path),
            why=[str(error)],
            fix="delete the file if it is yours",
        ) from error
