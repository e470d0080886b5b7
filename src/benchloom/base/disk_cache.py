"""A cache on disk that processes share: a table in a file that is replaced atomically and may be deleted at any time."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from benchloom.base.atomic import write_bytes

Item = TypeVar("Item")


class DiskCache(Generic[Item]):
    """A table of ``type_`` by text in ``file`` (None stores nothing), read on first use.

    ``format`` identifies the writer: a file with another format is ignored.
    """

    def __init__(self, file: Path | None, format: Callable[[], str], type_: type[Item]) -> None:
        self._file, self._format, self._type = file, format, type_
        self._known: dict[str, Item] | None = None
        self._is_changed = False

    def get(self, name: str) -> Item | None:
        """Return the cached item, or None."""
        return self._load().get(name)

    def set(self, name: str, item: Item) -> None:
        """Set an item; ``save`` writes it to disk."""
        self._load()[name] = item
        self._is_changed = True

    def save(self) -> None:
        """Write the cache to disk.

        A folder that cannot be written costs time, never a result.
        """
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
