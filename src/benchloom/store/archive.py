"""Archives, opened as if they were hostile: nothing lands outside the destination, and none may grow without bound."""

import fnmatch
import gzip
import os
import secrets
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from benchloom.errors import IntegrityError
from benchloom.store.entries import remove_tree

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one archive may expand to: bytes in all, entries, and times its own size (checked from 16 MiB on)."""

    bytes: int = 200 << 30
    entries: int = 2_000_000
    ratio: float = 500.0


@dataclass(frozen=True)
class _Member:
    name: str
    open: Callable[[], IO[bytes]]
    executable: bool


def extract(
    archive: Path, kind: str, destination: Path, *, member: str = "", limits: Limits | None = None
) -> tuple[Path, ...]:
    """Extract into ``destination`` (created; files of the same name are replaced) and return the files.

    ``kind`` is zip, tar (also .tgz, .tar.bz2, .tar.xz) or gz (one file). ``member`` is a glob that limits what is taken.
    Raises IntegrityError, naming the member, for absolute names, ``..``, links, devices, repeated names, archives that
    outgrow ``limits`` or are corrupt; the destination is then as it was.
    """
    stage = destination.parent / f".{destination.name}.{secrets.token_hex(4)}"
    stage.mkdir(parents=True)
    try:
        names = _unpack(archive, kind, stage, member, limits or Limits())
        destination.mkdir(parents=True, exist_ok=True)
        for name in names:
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / name, target)
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise IntegrityError(
            f"{archive.name} is not a sound {kind} archive", where=str(archive), why=[str(error)]
        ) from error
    finally:
        remove_tree(stage)
    return tuple(destination / name for name in names)


def _unpack(archive: Path, kind: str, stage: Path, member: str, limits: Limits) -> list[str]:
    budget = _Budget(archive, limits)
    taken: list[str] = []
    for item in _MEMBERS[kind](archive):
        name = _safe_name(item.name, archive)
        if member and not fnmatch.fnmatch(name, member):
            continue
        if name.lower() in {other.lower() for other in taken[-1:]} or (stage / name).exists():
            raise _hostile(archive, item.name, "the name is there twice")
        budget.count()
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with item.open() as source, target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                budget.spend(len(chunk), item.name)
                sink.write(chunk)
        target.chmod(0o755 if item.executable else 0o644)
        taken.append(name)
    if member and not taken:
        raise IntegrityError(f"{archive.name} has no member {member!r}", where=str(archive))
    return taken


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
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name.partition("/")[0] or "\0" in name or not path.parts:
        raise _hostile(archive, name, "the name leads outside the destination")
    return path.as_posix()


def _hostile(archive: Path, name: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"{archive.name} was refused: {reason}",
        where=f"{archive}: member {name!r}" if name else str(archive),
        fix="do not use this file; tell whoever published it",
    )


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            mode = info.external_attr >> 16
            if info.is_dir():
                continue
            if mode and (mode & 0o170000) not in {0, 0o100000}:
                raise _hostile(archive, info.filename, "it is a link or device")
            yield _Member(info.filename, lambda info=info: opened.open(info), bool(mode & 0o100))  # type: ignore[misc]


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive, "r:*") as opened:
        for info in opened:
            if info.isdir():
                continue
            if not info.isfile():
                raise _hostile(archive, info.name, "it is a link or device")
            yield _Member(info.name, lambda info=info: _opened(opened, info), bool(info.mode & 0o100))  # type: ignore[misc]


def _opened(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(info)
    if found is None:  # pragma: no cover - only for links, which are refused above
        raise tarfile.TarError(f"{info.name} has no content")
    return found


def _gz_members(archive: Path) -> Iterator[_Member]:
    name = archive.name[:-3] if archive.name.endswith(".gz") else f"{archive.name}.out"
    yield _Member(name, lambda: gzip.GzipFile(archive), executable=False)  # type: ignore[arg-type, return-value]


_MEMBERS: dict[str, Callable[[Path], Iterator[_Member]]] = {"zip": _zip_members, "tar": _tar_members, "gz": _gz_members}
