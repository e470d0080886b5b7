"""Signatures of files: detect changes without reading the content."""

import os

Signature = tuple[int, int, int, int]

# A file changed this recently may change again without a visible change of its times, so it is not cached yet.
SETTLING_NS = 100_000_000


def signature_of(status: os.stat_result) -> Signature:
    """Return times of change, size and inode; ``ctime``, the second, reveals edits that restore ``mtime``."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
