"""Detect runs that measure at the same time in one home: each holds a lock in a folder, and notifies the others."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class Measuring:
    """A run that measures: ``others`` are the ids of those that measured at some time since it began."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._at_start = tuple(sorted(set(_active(folder, name))))
        for other in self._at_start:
            with contextlib.suppress(OSError), (folder / f"{other}.others").open("a") as stream:
                stream.write(f"{name}\n")

    @property
    def others(self) -> tuple[str, ...]:
        """Sorted ids of runs."""
        try:
            later = (self._folder / f"{self._name}.others").read_text().split()
        except OSError:
            later = []
        return tuple(sorted({*self._at_start, *later}))


@contextlib.contextmanager
def measuring(folder: Path, name: str) -> Iterator[Measuring]:
    """Register the run ``name`` in ``folder`` until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        found = Measuring(folder, name)
        (folder / f"{name}.others").touch()
        try:
            yield found
        finally:
            _forget(folder, name)


def _active(folder: Path, own: str) -> Iterator[str]:
    """Yield the other runs whose locks are held; leftovers of killed runs are removed."""
    for path in folder.glob("*.lock"):
        if path.stem == own:
            continue
        lock = FileLock(path)
        try:
            with lock.acquire(timeout=0):
                _forget(folder, path.stem)
        except Timeout:
            yield path.stem
        except OSError:  # another process has just removed it
            continue


def _forget(folder: Path, name: str) -> None:
    for ending in ("lock", "others"):
        (folder / f"{name}.{ending}").unlink(missing_ok=True)
