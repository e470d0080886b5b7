"""Files of a submission: every question has an answer, whatever lies there."""

import os
from pathlib import Path
from typing import Any

import msgspec

_BOM = b"\xef\xbb\xbf"


class Listing(msgspec.Struct, frozen=True):
    """The names in a folder; both empty if there is no such folder."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def listing(folder: Path) -> Listing:
    """Return what is in ``folder``, by name; a link counts as what it leads to, and not at all if it leads nowhere."""
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_dir():
                        folders.append(entry.name)
                    elif entry.is_file():
                        files.append(entry.name)
                except OSError:  # a link in a circle
                    continue
    except OSError:
        return Listing()
    return Listing(tuple(sorted(folders)), tuple(sorted(files)))


def content(path: Path) -> bytes | None:
    """Return the bytes of a regular file; None if it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def size(path: Path) -> int | None:
    """Return the size of a file in bytes; None if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def text(path: Path) -> str | None:
    """Return the text of a file, with characters that are no UTF-8 replaced; None if it cannot be read."""
    data = content(path)
    return None if data is None else data.removeprefix(_BOM).decode("utf-8", "replace")


class JsonFile(msgspec.Struct, frozen=True):
    """A JSON object in a file.

    Attributes:
        values: empty if there is none.
        problem: why it cannot be read; '' if it can.
        has_bom: whether it begins with a byte order mark, which stops the official checkers.
    """

    values: dict[str, Any] = {}
    problem: str = ""
    has_bom: bool = False


def json_object(path: Path) -> JsonFile:
    """Read the JSON object in a file."""
    data = content(path)
    if data is None:
        return JsonFile(problem="it cannot be read")
    has_bom = data.startswith(_BOM)
    try:
        found = msgspec.json.decode(data.removeprefix(_BOM))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return JsonFile(problem=str(error), has_bom=has_bom)
    if not isinstance(found, dict):
        return JsonFile(problem="it is not a JSON object", has_bom=has_bom)
    return JsonFile(values=found, has_bom=has_bom)
