"""Read whole files from untrusted sources: never more than a bound, and never from a pipe or device that could block."""

import errno
import os
import stat
from pathlib import Path
from typing import IO


def read_bytes(path: Path, most: int, *, is_stream_allowed: bool = False) -> bytes:
    """Return the content of a file of at most ``most`` bytes.

    Raises OSError if it cannot be read, is larger, or is not a regular file (a pipe, socket or device); the check never
    blocks. ``is_stream_allowed`` lets the shell hand over a pipe, as by ``<(COMMAND)``.
    """
    handle = os.open(path, os.O_RDONLY | (0 if is_stream_allowed else os.O_NONBLOCK))
    with os.fdopen(handle, "rb") as stream:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode) and not is_stream_allowed:
            raise OSError(errno.EINVAL, "it is a pipe, socket or device, not a file", str(path))
        return take(stream, most, str(path))


def take(stream: IO[bytes], most: int, name: str) -> bytes:
    """Return the rest of an open file.

    Raises OSError about ``name`` if that is more than ``most`` bytes.
    """
    data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", name)
    return data


def read_text(path: Path, most: int, encoding: str = "utf-8", *, is_stream_allowed: bool = False) -> str:
    """Return the text of a file as ``read_bytes`` reads it.

    Raises also UnicodeDecodeError.
    """
    return read_bytes(path, most, is_stream_allowed=is_stream_allowed).decode(encoding)
