"""Extract untrusted archives: nothing is written outside the destination, and the expanded size is bounded."""

import bz2
import contextlib
import errno
import fnmatch
import gzip
import io
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
from typing import IO, TYPE_CHECKING, Any, cast

from benchloom.base import limits as bounds
from benchloom.base.atomic import start_flush
from benchloom.base.digest import new_hash
from benchloom.errors import IntegrityError
from benchloom.store.entries import remove_tree
from benchloom.store.inflate import InflateError, open_member
from benchloom.store.xz import XzReader, refuse_large_dictionary

if TYPE_CHECKING:
    from hashlib import _Hash

_CHUNK = 1 << 20
# What the libraries raise for invalid bytes; an OSError without an errno is theirs as well.
_CORRUPT = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    InflateError,
    lzma.LZMAError,
    struct.error,
    RuntimeError,
    ValueError,
    LookupError,
)
_LONG_HEADERS = frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
)
_COMPRESSED: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": XzReader,
    b"\x5d\0\0": XzReader,
}
_ABOUT_THE_ARCHIVE = frozenset(
    {None, errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ}
)


@dataclass(frozen=True)
class Limits:
    """What one archive may expand to: bytes in all, entries, and times its own size (checked from 16 MiB on)."""

    bytes: int = bounds.ARCHIVE_BYTES
    entries: int = bounds.ARCHIVE_ENTRIES
    ratio: float = bounds.ARCHIVE_RATIO


@dataclass(frozen=True)
class _Member:
    """One entry of an archive.

    ``open`` is None if it is neither a file nor a folder.
    """

    name: str
    open: Callable[[], IO[bytes]] | None
    executable: bool = False
    is_folder: bool = False


def extract(
    archive: Path, kind: str, destination: Path, *, member: str = "", name: str = "", limits: Limits | None = None
) -> tuple[Path, ...]:
    """Extract into ``destination`` (created; files of the same name are replaced) and return the files.

    ``kind`` is zip, tar (also .tgz, .tar.bz2, .tar.xz) or gz (one file, called ``name`` without ``.gz``). ``member`` is
    a glob over whole names (``*`` matches ``/``, too) that selects what is extracted. Folders without files are left
    out. Raises IntegrityError, naming the member, for absolute names, ``..``, links and devices that would be
    extracted, repeated names, and archives that exceed ``limits`` or are corrupt; the destination is then unchanged.
    """
    stage = destination.parent / f".{destination.name}.{secrets.token_hex(4)}"
    stage.mkdir(parents=True)
    try:
        with _corruption_reported(archive, kind):
            budget = _Budget(archive, limits or Limits())
            names = _unpack(archive, _MEMBERS[kind](archive, name or archive.name, budget), stage, member, budget)
        _refuse_clashes(archive, names, destination)
        for each in names:
            target = destination / each
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / each, target)
    finally:
        remove_tree(stage)
    return tuple(destination / each for each in names)


def extract_digested(archive: Path, kind: str, destination: Path, limits: Limits | None = None) -> dict[str, str]:
    """Extract all into ``destination``, which is new, and return the digest of each file by its relative name.

    Raises IntegrityError as ``extract`` does; files written before that remain.
    """
    digests: dict[str, str] = {}
    budget = _Budget(archive, limits or Limits())
    with _corruption_reported(archive, kind):
        _unpack(archive, _MEMBERS[kind](archive, archive.name, budget), destination, "", budget, digests)
    return digests


def check(archive: Path, kind: str, limits: Limits | None = None) -> None:
    """Read an archive to its end, as ``extract`` would, without writing anything.

    Raises IntegrityError as that does for its bytes.
    """
    budget = _Budget(archive, limits or Limits())
    members = _MEMBERS[kind](archive, archive.name, budget)
    with _corruption_reported(archive, kind), contextlib.closing(members):
        for item in members:
            budget.count(item.name)
            if item.open is not None and not item.is_folder:
                with item.open() as source:
                    while source.read(_CHUNK):
                        pass


@contextlib.contextmanager
def _corruption_reported(archive: Path, kind: str) -> Iterator[None]:
    """Convert exceptions about damaged archives to IntegrityError; disk errors pass through."""
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
        f"{archive.name} is not a valid {kind} archive",
        where=str(archive),
        why=[str(error) or type(error).__name__],
        fix="download it again; if that does not help, report it to its publisher",
    )


def _unpack(
    archive: Path,
    members: Generator[_Member, None, None],
    stage: Path,
    member: str,
    budget: "_Budget",
    digests: dict[str, str] | None = None,
) -> list[str]:
    taken: list[str] = []
    folders: set[str] = set()
    with contextlib.closing(members):
        for item in members:
            budget.count(item.name)
            if item.is_folder:
                continue
            name = _safe_name(item.name, archive)
            if member and not fnmatch.fnmatchcase(name, member):
                continue
            state = None if digests is None else new_hash("sha256")
            folder = os.path.dirname(f"{stage}/{name}")
            if folder not in folders:
                os.makedirs(folder, exist_ok=True)
                folders.add(folder)
            _write(archive, item, f"{stage}/{name}", state)
            taken.append(name)
            if digests is not None and state is not None:
                digests[name] = f"sha256:{state.hexdigest()}"
    if member and not taken:
        raise IntegrityError(
            f"{archive.name} has no member {member!r}", where=str(archive), fix="correct 'member' in the component"
        )
    return taken


def _write(archive: Path, item: _Member, target: str, state: "_Hash | None") -> None:
    if item.open is None:
        raise _hostile(archive, item.name, "it contains a link or device")
    with _created(archive, item, target) as sink, item.open() as source:
        while chunk := source.read(_CHUNK):
            sink.write(chunk)
            if state is not None:
                state.update(chunk)
        start_flush(sink)
    os.chmod(target, 0o755 if item.executable else 0o644)


def _created(archive: Path, item: _Member, target: str) -> IO[bytes]:
    try:
        return open(target, "xb")
    except FileExistsError:
        raise _hostile(archive, item.name, "the name occurs twice") from None


def _refuse_clashes(archive: Path, names: Iterable[str], destination: Path) -> None:
    """Check before anything is moved whether a file would replace a folder or vice versa."""
    for name in names:
        above = PurePosixPath(name).parents
        if (destination / name).is_dir() or any((destination / part).is_file() for part in above):
            raise IntegrityError(
                f"{archive.name} conflicts with files that exist already",
                where=str(destination / name),
                why=["one is a file, the other a folder"],
                fix="give 'unpack_to' a folder of its own",
            )


class _Budget:
    """Counts the bytes actually extracted, since headers can be wrong."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.archive, self.limits = archive, limits
        self.packed = max(archive.stat().st_size, 1)
        self.bytes = self.entries = 0
        self.name = ""  # of the member being read

    def count(self, name: str) -> None:
        self.name = name
        self.entries += 1
        if self.entries > self.limits.entries:
            raise _hostile(self.archive, "", f"more than {self.limits.entries} entries")

    def spend(self, amount: int) -> None:
        self.bytes += amount
        if self.bytes > self.limits.bytes:
            raise _hostile(self.archive, self.name, f"it expands to more than {self.limits.bytes} bytes")
        if self.bytes > bounds.ARCHIVE_UNCHECKED_BYTES and self.bytes / self.packed > self.limits.ratio:
            raise _hostile(self.archive, self.name, f"it expands to more than {self.limits.ratio:g} times its size")


def _safe_name(name: str, archive: Path) -> str:
    """Return a relative name with forward slashes, as every system reads it.

    Drive letters and streams are refused.
    """
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in {"", "."}]
    if plain.startswith("/") or ".." in parts or not parts or ":" in parts[0]:
        raise _hostile(archive, name, "a name leads outside the destination")
    if "\0" in name or not _is_utf8(name):
        raise _hostile(archive, name, "a name is not UTF-8 text")
    return "/".join(parts)


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
        fix="do not use this file; report it to its publisher",
    )


class _Counted(io.RawIOBase):
    """A stream that charges a budget for each byte that is read or skipped for the first time."""

    def __init__(self, source: IO[bytes], budget: _Budget) -> None:
        super().__init__()
        self.source, self.budget = source, budget
        self.place = self.furthest = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(_CHUNK if size < 0 else size)
        self.place += len(data)
        self.budget.spend(max(0, self.place - self.furthest))
        self.furthest = max(self.furthest, self.place)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        target = offset + (self.place if whence == os.SEEK_CUR else 0)
        if target < self.place:
            self.place = self.source.seek(target)
        while self.place < target and self.read(min(target - self.place, _CHUNK)):
            pass
        return self.place

    def close(self) -> None:
        self.source.close()
        super().close()


def _zip_members(archive: Path, _: str, budget: _Budget) -> Generator[_Member, None, None]:
    with archive.open("rb") as plain, zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            refuse_large_dictionary(plain, info)
            mode = info.external_attr >> 16
            is_file = stat.S_IFMT(mode) in {0, stat.S_IFREG}
            yield _Member(
                info.orig_filename,
                partial(_counted, partial(open_member, opened, info), budget) if is_file else None,
                executable=bool(mode & 0o100),
                is_folder=info.is_dir(),
            )


def _counted(opening: Callable[[], IO[bytes]], budget: _Budget) -> IO[bytes]:
    return cast("IO[bytes]", _Counted(opening(), budget))


class _StrictInfo(tarfile.TarInfo):
    """A strictly checked header: tarfile treats a damaged header as the end of the archive, and reads a long one whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> "_StrictInfo":
        found = super().frombuf(buf, encoding or "utf-8", errors)
        if found.type in _LONG_HEADERS and found.size > bounds.TAR_HEADER_BYTES:
            raise ReadError(f"a header of {found.size} bytes exceeds the limit of {bounds.TAR_HEADER_BYTES}")
        return found

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> "_StrictInfo":
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":
                raise
            raise ReadError(f"a header is damaged: {error}") from error


def _tar_members(archive: Path, _: str, budget: _Budget) -> Generator[_Member, None, None]:
    with (
        _counted(partial(_unpacked, archive), budget) as stream,
        tarfile.open(fileobj=stream, mode="r:", tarinfo=_StrictInfo) as opened,
    ):
        while (info := opened.next()) is not None:
            opened.members.clear()  # type: ignore[attr-defined]  # tarfile would keep them all
            yield _Member(
                info.name,
                partial(_opened, opened, info) if info.isfile() else None,
                executable=bool(info.mode & 0o100),
                is_folder=info.isdir(),
            )
        while stream.read(_CHUNK):  # the checksum of the compressed data is at its very end
            pass


def _unpacked(archive: Path) -> IO[bytes]:
    """Open the tar in a file that may be compressed as a whole."""
    with archive.open("rb") as stream:
        head = stream.read(6)
    for magic, opening in _COMPRESSED.items():
        if head.startswith(magic):
            return cast("IO[bytes]", opening(archive))
    return archive.open("rb")


def _opened(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(info)
    if found is None:  # pragma: no cover - only for links, which are refused above
        raise tarfile.TarError(f"{info.name} has no content")
    return found


def _gz_members(archive: Path, name: str, budget: _Budget) -> Generator[_Member, None, None]:
    if not archive.stat().st_size:
        raise EOFError("it is empty")
    plain = name[:-3] if name.endswith(".gz") else f"{name}.out"
    yield _Member(plain, partial(_counted, partial(cast("Any", gzip.GzipFile), archive), budget))


_MEMBERS: dict[str, Callable[[Path, str, _Budget], Generator[_Member, None, None]]] = {
    "zip": _zip_members,
    "tar": _tar_members,
    "gz": _gz_members,
}
