"""Archives, opened as if they were hostile: nothing lands outside the destination, and none may grow without bound."""

import contextlib
import errno
import fnmatch
import gzip
import lzma
import os
import secrets
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from tarfile import HeaderError, ReadError
from typing import IO, cast

from benchloom.errors import IntegrityError
from benchloom.store.entries import remove_tree

_CHUNK = 1 << 20
# What the libraries raise about bytes that they cannot make sense of; OSError without a number is theirs as well.
_CORRUPT = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    RuntimeError,
    ValueError,
    LookupError,
)
_ABOUT_THE_ARCHIVE = frozenset(
    {None, errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ}
)


@dataclass(frozen=True)
class Limits:
    """What one archive may expand to: bytes in all, entries, and times its own size (checked from 16 MiB on)."""

    bytes: int = 200 << 30
    entries: int = 2_000_000
    ratio: float = 500.0


@dataclass(frozen=True)
class _Member:
    """One entry of an archive. ``open`` is None for what is neither a file nor a folder."""

    name: str
    open: Callable[[], IO[bytes]] | None
    executable: bool = False
    is_folder: bool = False


def extract(
    archive: Path, kind: str, destination: Path, *, member: str = "", name: str = "", limits: Limits | None = None
) -> tuple[Path, ...]:
    """Extract into ``destination`` (created; files of the same name are replaced) and return the files.

    ``kind`` is zip, tar (also .tgz, .tar.bz2, .tar.xz) or gz (one file, called ``name`` without ``.gz``). ``member`` is
    a glob over whole names (``*`` matches ``/``, too) that limits what is taken. Folders without files are left out.
    Raises IntegrityError, naming the member, for absolute names, ``..``, links and devices that would be taken,
    repeated names, and archives that outgrow ``limits`` or are corrupt; the destination is then as it was.
    """
    stage = destination.parent / f".{destination.name}.{secrets.token_hex(4)}"
    stage.mkdir(parents=True)
    try:
        with _corruption_reported(archive, kind):
            names = _unpack(archive, _MEMBERS[kind](archive, name or archive.name), stage, member, limits or Limits())
        _refuse_clashes(archive, names, destination)
        for each in names:
            target = destination / each
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / each, target)
    finally:
        remove_tree(stage)
    return tuple(destination / each for each in names)


def check(archive: Path, kind: str, limits: Limits | None = None) -> None:
    """Read an archive to its end, as ``extract`` would, and keep nothing. Raises IntegrityError as that does for its bytes."""
    budget = _Budget(archive, limits or Limits())
    with _corruption_reported(archive, kind), contextlib.closing(_MEMBERS[kind](archive, archive.name)) as members:
        for item in members:
            budget.count()
            if item.open is not None and not item.is_folder:
                with item.open() as source:
                    while chunk := source.read(_CHUNK):
                        budget.spend(len(chunk), item.name)


@contextlib.contextmanager
def _corruption_reported(archive: Path, kind: str) -> Iterator[None]:
    """Turn what the libraries raise about damaged archives into IntegrityError; errors of the disk pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ABOUT_THE_ARCHIVE:
            raise
        raise _unsound(archive, kind, error) from error
    except _CORRUPT as error:
        raise _unsound(archive, kind, error) from error


def _unsound(archive: Path, kind: str, error: Exception) -> IntegrityError:
    return IntegrityError(
        f"{archive.name} is not a sound {kind} archive",
        where=str(archive),
        why=[str(error) or type(error).__name__],
        fix="fetch it again; if it stays so, tell whoever published it",
    )


def _unpack(
    archive: Path, members: Generator[_Member, None, None], stage: Path, member: str, limits: Limits
) -> list[str]:
    budget = _Budget(archive, limits)
    taken: list[str] = []
    with contextlib.closing(members):
        for item in members:
            budget.count()
            if item.is_folder:
                continue
            name = _safe_name(item.name, archive)
            if member and not fnmatch.fnmatchcase(name, member):
                continue
            _write(archive, item, stage / name, budget)
            taken.append(name)
    if member and not taken:
        raise IntegrityError(
            f"{archive.name} has no member {member!r}", where=str(archive), fix="correct 'member' in the component"
        )
    return taken


def _write(archive: Path, item: _Member, target: Path, budget: "_Budget") -> None:
    if item.open is None:
        raise _hostile(archive, item.name, "it holds a link or device")
    if target.exists():
        raise _hostile(archive, item.name, "the name is there twice")
    target.parent.mkdir(parents=True, exist_ok=True)
    with item.open() as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            budget.spend(len(chunk), item.name)
            sink.write(chunk)
    target.chmod(0o755 if item.executable else 0o644)


def _refuse_clashes(archive: Path, names: Iterable[str], destination: Path) -> None:
    """Find out before anything moves whether a file would have to become a folder or the other way round."""
    for name in names:
        above = PurePosixPath(name).parents
        if (destination / name).is_dir() or any((destination / part).is_file() for part in above):
            raise IntegrityError(
                f"{archive.name} does not fit what is there already",
                where=str(destination / name),
                why=["one is a file where the other is a folder"],
                fix="give 'unpack_to' a folder of its own",
            )


class _Budget:
    """Counts what really comes out, since headers can lie."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.archive, self.limits = archive, limits
        self.packed = max(archive.stat().st_size, 1)
        self.bytes = self.entries = 0

    def count(self) -> None:
        self.entries += 1
        if self.entries > self.limits.entries:
            raise _hostile(self.archive, "", f"more than {self.limits.entries} entries")

    def spend(self, amount: int, name: str) -> None:
        self.bytes += amount
        if self.bytes > self.limits.bytes:
            raise _hostile(self.archive, name, f"it expands past {self.limits.bytes} bytes")
        if self.bytes > 16 << 20 and self.bytes / self.packed > self.limits.ratio:
            raise _hostile(self.archive, name, f"it expands to more than {self.limits.ratio:g} times its size")


def _safe_name(name: str, archive: Path) -> str:
    """Return a relative name with forward slashes, as every system reads it. Drive letters and streams are refused."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]) or not path.parts:
        raise _hostile(archive, name, "a name leads outside the destination")
    if "\0" in name or not _is_utf8(name):
        raise _hostile(archive, name, "a name is not UTF-8 text")
    return path.as_posix()


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hostile(archive: Path, name: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"{archive.name} was refused: {reason}",
        where=f"{archive}: member {name!r}" if name else str(archive),
        fix="do not use this file; tell whoever published it",
    )


def _zip_members(archive: Path, _: str) -> Generator[_Member, None, None]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            mode = info.external_attr >> 16
            is_file = stat.S_IFMT(mode) in {0, stat.S_IFREG}
            yield _Member(
                info.orig_filename,
                partial(opened.open, info) if is_file else None,
                executable=bool(mode & 0o100),
                is_folder=info.is_dir(),
            )


class _StrictInfo(tarfile.TarInfo):
    """A header that must be one: tarfile itself takes a damaged header for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> "_StrictInfo":
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":
                raise
            raise ReadError(f"a header is damaged: {error}") from error


def _tar_members(archive: Path, _: str) -> Generator[_Member, None, None]:
    with tarfile.open(archive, "r:*", tarinfo=_StrictInfo) as opened:
        for info in opened:
            yield _Member(
                info.name,
                partial(_opened, opened, info) if info.isfile() else None,
                executable=bool(info.mode & 0o100),
                is_folder=info.isdir(),
            )
        while opened.fileobj.read(_CHUNK):  # the checksum of what is compressed stands at its very end
            pass


def _opened(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(info)
    if found is None:  # pragma: no cover - only for links, which are refused above
        raise tarfile.TarError(f"{info.name} has no content")
    return found


def _gz_members(archive: Path, name: str) -> Generator[_Member, None, None]:
    plain = name[:-3] if name.endswith(".gz") else f"{name}.out"
    yield _Member(plain, lambda: cast("IO[bytes]", gzip.GzipFile(archive)))


_MEMBERS: dict[str, Callable[[Path, str], Generator[_Member, None, None]]] = {
    "zip": _zip_members,
    "tar": _tar_members,
    "gz": _gz_members,
}
