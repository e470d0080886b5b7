"""Garbage collection: remove what no root reaches, and what dead processes left."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from benchloom.model.base import Document
from benchloom.store.entries import Store, remove_tree


class GcReport(Document, frozen=True, kw_only=True):
    """What was removed (or would be, with ``dry_run``) and kept; ``bytes`` is the space of what was removed."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    downloads: tuple[str, ...]
    stages: tuple[str, ...]
    quarantined: tuple[str, ...]
    bytes: int
    dry_run: bool


def collect(
    store: Store, keep: frozenset[str] = frozenset(), *, downloads: bool = True, dry_run: bool = False
) -> GcReport:
    """Remove entries outside ``keep`` and every root, downloads (all), quarantined entries and dead stages.

    Downloads and stages in use by another process stay.
    """
    reachable = keep.union(*store.roots().values())
    everything = store.keys()
    removed = tuple(key for key in everything if key not in reachable)
    kept = tuple(key for key in everything if key in reachable)
    blobs = _idle_downloads(store.root) if downloads else []
    damaged = _children(store.root / "quarantine")
    gone = [*(store.content(key).parent for key in removed), *damaged, *blobs]
    size = sum(_size(path) for path in gone)
    stages: tuple[str, ...] = ()
    if not dry_run:
        for key in removed:
            store.remove(key)
        for path in damaged:
            remove_tree(path)
        blobs = [path for path in blobs if _remove_download(store.root, path)]
        stages = store.clean_stages()
    return GcReport(
        removed=removed,
        kept=kept,
        downloads=tuple(path.relative_to(store.root / "downloads").as_posix() for path in blobs),
        stages=stages,
        quarantined=tuple(path.name for path in damaged),
        bytes=size,
        dry_run=dry_run,
    )


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _idle_downloads(root: Path) -> list[Path]:
    folder = root / "downloads"
    files = (path for path in sorted(folder.rglob("*")) if path.is_file()) if folder.is_dir() else ()
    return [path for path in files if path.suffix != ".lock"]


def _remove_download(root: Path, path: Path) -> bool:
    """Remove one blob or partial unless somebody is downloading it right now."""
    lock = FileLock(root / "locks" / f"{download_lock_name(path)}.lock")
    try:
        with lock.acquire(timeout=0):
            path.unlink(missing_ok=True)
    except Timeout:
        return False
    return True


def download_lock_name(path: Path) -> str:
    """Return the name of the lock that guards a blob, its partial and their sidecar."""
    return f"download-{path.name.split('.')[0]}"


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(os.lstat(os.path.join(base, name)).st_size for base, _, names in os.walk(path) for name in names)
