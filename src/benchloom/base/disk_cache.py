"""What one process learnt for the next: a table in a file that is replaced whole, and is only ever a shortcut."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from benchloom.base.atomic import write_bytes

Item = TypeVar("Item")


class DiskCache(Generic[Item]):
    """A table of ``type_`` by text in ``file`` (None keeps nothing), read when it is first asked for.

    ``format`` names what may have written the file: another one's is not read.
    """

    def __init__(self, file: Path | None, format: Callable[[], str], type_: type[Item]) -> None:
        self._file, self._format, self._type = file, format, type_
        self._known: dict[str, Item] | None = None
        self._is_changed = False

    def get(self, name: str) -> Item | None:
        """Return what is known by ``name``."""
        return self._load().get(name)

    def set(self, name: str, item: Item) -> None:
        """Remember ``item`` by ``name``; ``save`` keeps it."""
        self._load()[name] = item
        self._is_changed = True

    def save(self) -> None:
        """Keep what was learnt. A folder that cannot be written costs time, never an answer."""
        if self._file is not None and self._is_changed:
            with contextlib.suppress(OSError):
                write_bytes(self._file, msgspec.msgpack.encode((self._format(), self._load())))
            self._is_changed = False

    def _load(self) -> dict[str, Item]:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> dict[str, Item]:
        if self._file is None:
            return {}
        try:
            data = self._file.read_bytes()
            written_by, known = msgspec.msgpack.decode(data, type=tuple[str, dict[str, self._type]])  # type: ignore[name-defined]
        except (OSError, msgspec.MsgspecError):
            return {}
        return known if written_by == self._format() else {}
