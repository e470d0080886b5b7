"""Wheels in the store as an index for solvers: with ``--offline``, solvers choose among cached wheels."""

import tempfile
import urllib.parse
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from benchloom.store.entries import WHEEL_KEY, Store
from benchloom.store.entry import Entry
from benchloom.store.environments.seam import Pinned, plain
from benchloom.store.environments.wheels import dist_info

_METADATA = ("METADATA", "WHEEL", "RECORD")


class CachedWheels:
    """A folder of placeholder files with the names and metadata of wheels in the store.

    ``folders`` are their locations: empty if solvers are to use the indexes.
    """

    def __init__(self, *folders: str) -> None:
        self.folders = folders
        self._pinned: dict[str, Pinned] = {}

    def add(self, entry: Entry, content: Path, pinned: Pinned) -> None:
        """Write the placeholder of a wheel, which stands for ``pinned``."""
        name = entry.meta["wheel"]
        info = dist_info(content)
        with zipfile.ZipFile(Path(self.folders[0], name), "w") as file:
            for each in _METADATA:
                file.write(info / each, f"{info.name}/{each}")
        self._pinned[name] = pinned

    def meant(self, pinned: Pinned) -> Pinned:
        """Return the distribution that a placeholder in a solver's result stands for."""
        if not any(pinned.url.startswith(Path(folder).as_uri()) for folder in self.folders):
            return pinned
        known = self._pinned[urllib.parse.unquote(pinned.url.rpartition("/")[2])]
        return replace(known, name=pinned.name, version=pinned.version)

    def forget(self, pinned: Pinned) -> None:
        """Remove the stand-in of a wheel that turned out to be damaged."""
        for name in [name for name, known in self._pinned.items() if known.digest == pinned.digest]:
            Path(self.folders[0], name).unlink()
            del self._pinned[name]


@contextmanager
def cached_wheels(store: Store, key_of: Callable[[Pinned], str], *, offline: bool) -> Iterator[CachedWheels]:
    """Yield placeholders for the wheels of the store if ``offline``, else none.

    ``key_of`` returns the key of a distribution: wheels built for another Python are left out.
    """
    if not offline:
        yield CachedWheels()
        return
    with tempfile.TemporaryDirectory() as folder:
        made = CachedWheels(folder)
        for entry in _wheels(store):
            name, version = entry.label.split()
            for is_wheel in (True, False):
                pinned = Pinned(name=name, version=version, digest=entry.meta["digest"], is_wheel=is_wheel)
                if key_of(pinned) == entry.key:
                    made.add(entry, store.content(entry.key), pinned)
        yield made


def lacking(store: Store, requirements: Iterable[str]) -> list[str]:
    """Return the requirements that no wheel of the store satisfies; transitive requirements are not checked."""
    from packaging.requirements import Requirement  # late: few commands work offline

    here: dict[str, list[str]] = {}
    for entry in _wheels(store):
        name, version = entry.label.split()
        here.setdefault(plain(name), []).append(version)

    def is_here(text: str) -> bool:
        wanted = Requirement(text)
        return any(wanted.specifier.contains(version, prereleases=True) for version in here.get(plain(wanted.name), []))

    return [text for text in requirements if not is_here(text)]


def _wheels(store: Store) -> Iterator[Entry]:
    for key in store.keys():  # noqa: SIM118 - a store is not a dict
        if key.startswith(WHEEL_KEY) and (entry := store.find(key)):
            yield entry
