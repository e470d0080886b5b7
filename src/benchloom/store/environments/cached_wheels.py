"""Wheels that are in the store, as a place that solvers look into: with ``--offline``, they choose among what is here."""

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
    """A folder of files that have the names and the metadata of wheels in the store, and nothing else.

    ``folders`` is where they are: nowhere, if solvers are to look at the indexes.
    """

    def __init__(self, *folders: str) -> None:
        self.folders = folders
        self._pinned: dict[str, Pinned] = {}

    def add(self, entry: Entry, content: Path, pinned: Pinned) -> None:
        """Write the stand-in of a wheel, which ``pinned`` is the answer for."""
        name = entry.meta["wheel"]
        info = dist_info(content)
        with zipfile.ZipFile(Path(self.folders[0], name), "w") as file:
            for each in _METADATA:
                file.write(info / each, f"{info.name}/{each}")
        self._pinned[name] = pinned

    def meant(self, pinned: Pinned) -> Pinned:
        """Return the distribution that a solver's answer stands for."""
        if not any(pinned.url.startswith(Path(folder).as_uri()) for folder in self.folders):
            return pinned
        known = self._pinned[urllib.parse.unquote(pinned.url.rpartition("/")[2])]
        return replace(known, name=pinned.name, version=pinned.version)


@contextmanager
def cached_wheels(store: Store, key_of: Callable[[Pinned], str], *, offline: bool) -> Iterator[CachedWheels]:
    """Yield stand-ins for the wheels of the store if ``offline``, else none.

    ``key_of`` tells the key of a distribution: what was built for another Python is left out.
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
    """Return the requirements that no wheel of the store answers. What those require in turn is not looked at."""
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
    for key in store.keys():  # noqa: SIM118 - a store is no dict
        if key.startswith(WHEEL_KEY) and (entry := store.find(key)):
            yield entry
