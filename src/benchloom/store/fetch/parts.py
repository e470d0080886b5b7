"""Files of an unfinished download: the partial file, the tag that identifies its version, and the lock."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from benchloom.base.atomic import fsync_folder, write_text
from benchloom.base.digest import of_bytes

if TYPE_CHECKING:
    from filelock import FileLock


def download_lock(root: Path, name: str) -> "FileLock":
    """Return the lock that guards the blob ``name``, its partial and their sidecar."""
    from filelock import FileLock  # late: in most runs everything is cached

    folder = root / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"download-{name}.lock")


def part_of(blob: Path) -> Path:
    """Return the path of the partial file of ``blob``."""
    return blob.with_name(f"{blob.name}.part")


def resumable(url: str, part: Path) -> tuple[str, int]:
    """Return the version tag of ``part`` and its size in bytes if it is from the same URL; ('', 0) if it cannot be resumed."""
    tag_file = _tag_file(part)
    if not (part.is_file() and tag_file.is_file()):
        return "", 0
    known, _, tag = tag_file.read_text(encoding="utf-8", errors="replace").partition("\n")
    have = part.stat().st_size
    return (tag, have) if known == of_bytes(url.encode()) and tag and have else ("", 0)


def start_over(part: Path, url: str, tag: str) -> None:
    """Remove the old part before its new tag is written, so that the two are always consistent.

    The tag is stored with the URL's digest, since a URL may contain credentials.
    """
    forget(part)
    write_text(_tag_file(part), f"{of_bytes(url.encode())}\n{tag}")


def publish(part: Path, blob: Path, *, is_durable: bool) -> None:
    """Rename a complete and checked part.

    One with a digest need not be durable: it is verified before it is used again.
    """
    if is_durable:
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
    os.replace(part, blob)
    _tag_file(part).unlink(missing_ok=True)
    if is_durable:
        fsync_folder(blob.parent)


def forget(part: Path) -> None:
    """Remove a part and its tag."""
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")
