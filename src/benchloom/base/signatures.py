"""The signature of a file: what tells whether it was changed, without reading it."""

import os

Signature = tuple[int, int, int, int]

# A file changed this recently may change again without its times showing it, so nothing is remembered of it yet.
SETTLING_NS = 100_000_000


def signature_of(status: os.stat_result) -> Signature:
    """Return times of change, size and inode; ``ctime``, the second, tells of edits that put ``mtime`` back."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
