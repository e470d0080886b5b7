"""Durable writes: a reader sees the old file or the new one, never half of one.

Order: temporary file in the same folder, write, fsync, rename over the target, fsync of the folder.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def fsync_folder(folder: Path | str) -> None:
    """Make a rename inside ``folder`` durable; a no-op if folders cannot be synced."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # pragma: no cover - Windows cannot open folders
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def start_flush(stream: IO[bytes]) -> None:
    """Ask the system to start writing a new file to disk, if it supports that, so that the later fsync waits less."""
    stream.flush()
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # Linux keeps what it has not written yet


@contextlib.contextmanager
def failures_named(path: Path) -> Iterator[None]:
    """Add the file name to errors of writing to ``path``: the system names it if it cannot be opened, but not if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_bytes(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data`` atomically, creating its folder.

    Raises OSError and leaves nothing behind.
    """
    import tempfile  # late: most commands write nothing

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with failures_named(path), os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    fsync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by UTF-8 ``text`` atomically."""
    write_bytes(path, text.encode())
