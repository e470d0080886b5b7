"""Memory of this process: peak usage, reuse of freed memory, and release of mapped files."""

import ctypes
import mmap
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_KEPT = 256 << 20  # bytes
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # options of the GNU C library's mallopt


def keep_freed_memory() -> None:
    """Make this process reuse freed memory, up to 256 MiB, if its C library (GNU's) supports that.

    By default it returns large arrays to the system and requests zeroed pages for the next ones, which takes about as
    long as the pre-processing of an image, or in PyTorch as the layers of a small network.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_MAX, 0)


def peak_memory() -> int | None:
    """Return the largest resident memory of this process so far, in bytes; None if unknown.

    Pages of mapped files count while they are mapped in. Linux keeps the figure per program in ``VmHWM``; the
    value of ``getrusage`` would include the peak of the parent process.
    """
    found = _in_proc("/proc/self/status", "VmHWM")
    return _peak_of_usage() if found is None else found


def available_memory() -> int | None:
    """Return the memory in bytes that is available without swapping; None if unknown."""
    return _in_proc("/proc/meminfo", "MemAvailable")


def _in_proc(file: str, name: str) -> int | None:
    """Return the value of ``<name>: <number> kB`` in a file of /proc, in bytes; None if it is missing."""
    try:
        match = re.search(rf"^{name}:\s+(\d+) kB$", Path(file).read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return int(match.group(1)) * 1024 if match else None


def _peak_of_usage() -> int | None:
    try:
        import resource  # late: not available on every system
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def let_go(samples: NDArray[np.generic], indexes: NDArray[np.int64]) -> None:
    """Release the pages of these samples from this process's memory if ``samples`` are mapped from a file.

    They stay in the system's page cache while it has room, and are read from there again.
    """
    mapped = _map_of(samples)
    if mapped is None or not hasattr(mapped, "madvise") or not len(indexes):
        return
    start = samples.__array_interface__["data"][0] - np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
    size = samples.strides[0]
    for first, last in _stretches(np.unique(indexes)):
        begin = (start + first * size) // mmap.PAGESIZE * mmap.PAGESIZE
        mapped.madvise(mmap.MADV_DONTNEED, begin, min(start + (last + 1) * size, len(mapped)) - begin)


def _map_of(array: object) -> mmap.mmap | None:
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None


def _stretches(indexes: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each contiguous range of ascending ``indexes``."""
    for stretch in np.split(indexes, np.flatnonzero(np.diff(indexes) > 1) + 1):
        yield int(stretch[0]), int(stretch[-1])
