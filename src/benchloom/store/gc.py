"""Garbage collection: remove what no root needs, and leftovers of ended processes."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from filelock import Timeout

from benchloom.model.base import Document, SchemaTable
from benchloom.store.entries import WHEELS, Store, remove_tree
from benchloom.store.fetch import download_lock


class GcReport(Document, frozen=True, kw_only=True):
    """What was removed (or would be, in a dry run) and kept.

    Attributes:
        removed: keys of the entries removed.
        kept: keys of the entries kept.
        downloads: downloads removed.
        stages: unfinished entries removed.
        quarantined: damaged entries removed.
        bytes: space of all that was removed.
        dry_run: whether nothing was removed.
    """

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    downloads: tuple[str, ...]
    stages: tuple[str, ...]
    quarantined: tuple[str, ...]
    bytes: int
    dry_run: bool


SCHEMAS: SchemaTable = {"gc": (GcReport, "loom gc --json")}


def collect(
    store: Store,
    keep: frozenset[str] = frozenset(),
    *,
    ignored: frozenset[str] = frozenset(),
    downloads: bool = True,
    dry_run: bool = False,
) -> GcReport:
    """Remove entries outside ``keep`` and every root, downloads (all), quarantined entries and dead stages.

    The wheels of kept environments are kept. ``ignored`` names roots that no longer protect anything. Downloads and
    stages in use by another process stay.
    """
    everything = store.keys()  # listed before the roots: entries published and protected from now on are not in it
    rooted = keep.union(*(keys for name, keys in store.roots().items() if name not in ignored))
    reachable = rooted | _wheels_of(rooted, store)
    removed = tuple(key for key in everything if key not in reachable)
    damaged = _children(store.root / "quarantine")
    stages = store.clean_stages(dry_run=True)
    blobs = [path for path in _downloads(store.root) if not _is_busy(store.root, path)] if downloads else []
    gone = [store.content(key).parent for key in removed]
    size = _freed([*gone, *damaged, *blobs, *(store.root / "stage" / name for name in stages)])
    if not dry_run:
        for key in removed:
            store.remove(key)
        for path in damaged:
            remove_tree(path)
        blobs = [path for path in blobs if not _is_busy(store.root, path, remove=True)]
        store.clean_stages()
    return GcReport(
        removed=removed,
        kept=tuple(key for key in everything if key in reachable),
        downloads=tuple(path.name for path in blobs),
        stages=stages,
        quarantined=tuple(path.name for path in damaged),
        bytes=size,
        dry_run=dry_run,
    )


def _wheels_of(keys: Iterable[str], store: Store) -> set[str]:
    """Return the keys of the wheels that environments among ``keys`` share files with."""
    entries = [entry for key in keys if (entry := store.find(key))]
    return {key for entry in entries for key in entry.meta.get(WHEELS, "").split(",") if key}


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _downloads(root: Path) -> list[Path]:
    """Blobs, partial files, their sidecars, and leftovers of killed processes."""
    return [path for path in _children(root / "downloads") if path.is_file()]


def _is_busy(root: Path, path: Path, *, remove: bool = False) -> bool:
    """Tell whether the file is being downloaded; if not, ``remove`` it under its lock."""
    lock = download_lock(root, path.name.lstrip(".").split(".")[0])
    try:
        with lock.acquire(timeout=0):
            if remove:
                path.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


def _freed(paths: Iterable[Path]) -> int:
    """Bytes freed by removing files and folders: files with other hard links, or removed meanwhile, count nothing."""
    names_by_inode: Counter[tuple[int, int]] = Counter()
    size = 0
    for file in (file for path in paths for file in _files(path)):
        with contextlib.suppress(FileNotFoundError):
            status = file.lstat()
            inode = status.st_dev, status.st_ino
            names_by_inode[inode] += 1
            if names_by_inode[inode] == status.st_nlink:
                size += status.st_size
    return size


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [Path(base, name) for base, _, names in os.walk(path) for name in names]
