"""Digests of component folders, cached by the stat signatures of their files.

A data set of thousands of images is hashed once, not for every plan.
"""

import os
import time
from pathlib import Path

import msgspec

from benchloom.base.digest import is_left_out, iter_files, of_bytes, of_files
from benchloom.base.disk_cache import DiskCache
from benchloom.base.signatures import SETTLING_NS, signature_of

_FORMAT = "benchloom.digests/3"


class _CachedDigest(msgspec.Struct):
    signature: str
    digest: str


class FolderDigests:
    """Digest folders; ``file`` caches digests for the next process (None: no cache)."""

    def __init__(self, file: Path | None) -> None:
        self._known = DiskCache(file, lambda: _FORMAT, _CachedDigest)

    def of(self, folder: Path) -> str:
        """Return the digest over the names, executable bits and bytes of the files in ``folder``."""
        now = time.time_ns()
        signature, newest = _signature(folder)
        found = self._known.get(str(folder))
        if found is not None and found.signature == signature:
            return found.digest
        digest = of_files(folder, iter_files(folder))
        if newest < now - SETTLING_NS:
            self._known.set(str(folder), _CachedDigest(signature=signature, digest=digest))
        return digest

    def save(self) -> None:
        """Write the cache. A folder that cannot be written costs time, never a result."""
        self._known.save()


def _signature(folder: Path) -> tuple[str, int]:
    """Return a string over the names and stat results of the files in ``folder``, and the time of the newest change."""
    lines: list[str] = []
    newest = 0
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not is_left_out(entry.name):
                        waiting.append(entry.path)
                elif entry.is_file():
                    status = entry.stat()
                    signature = signature_of(status)
                    newest = max(newest, *signature[:2])
                    lines.append(f"{entry.path}\0{status.st_mode} {signature}")
    return of_bytes("\n".join(sorted(lines)).encode(errors="surrogateescape")), newest
