"""What a file that is not the model it should be looks like, from its first bytes: enough for a clear error."""

import zipfile
from pathlib import Path

from benchloom.model.published import Container

_HEAD = 512
_STARTS = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the file that it stands for"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF document"),
    (b"\x80\x02", "a Python pickle"),
)
# What models are published in, or look like; whatever else a file appears to be, it is no model.
_POSSIBLE = frozenset({"a zip archive", "a tar archive", "an HDF5 file", "a Python pickle"})
_TAR = 257, b"ustar"
# The containers by what they appear to be, and the others by their first bytes: an identifier of TensorFlow Lite at the fifth, and
# the first field of a message, a version (ONNX) or a node (GraphDef).
_CONTAINERS: dict[str, Container] = {"a tar archive": "tar", "a Python pickle": "pickle"}
_FIELDS: dict[bytes, Container] = {b"\x08": "onnx", b"\x0a": "graphdef"}
_FLATBUFFER = 4, b"TFL3"
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")


def seen(path: str) -> list[str]:
    """Return as reasons of an error what the file at ``path`` appears to be: one sentence, or none if it tells nothing."""
    try:
        return _sentence(path, appearance(Path(path)))
    except OSError as error:
        return [error.strerror or str(error)]


def no_model(path: str) -> list[str]:
    """Return ``seen`` for a file that is no model of any kind: empty, text, or compressed as a whole; else nothing."""
    try:
        what = appearance(Path(path))
        return [] if what in _POSSIBLE else _sentence(path, what)
    except OSError:
        return []


def _sentence(path: str, what: str) -> list[str]:
    size = Path(path).stat().st_size
    if not size:
        return ["it is empty"]
    return [f"it appears to be {what} ({size:,} bytes)"] if what else []


def appearance(path: Path) -> str:
    """Return what the file at ``path`` appears to be, such as ``a web page (HTML)``; '' if its beginning tells nothing.

    Raises OSError if it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_MARKUP):
        return "a web page (HTML)"
    if start.startswith((b"{", b"[")) and _is_text(head):
        return "JSON text, perhaps the error message of a server"
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "a tar archive"
    found = next((what for magic, what in _STARTS if head.startswith(magic)), "")
    return found or ("plain text" if _is_text(head) else "")


def container(path: Path) -> Container | None:
    """Return how the model in the file at ``path`` is written, from its first bytes and the members of a zip archive.

    None if it is nothing that models are written in. Raises OSError if it cannot be read.
    """
    if what := appearance(path):
        return _zip_of_torch(path) if what == "a zip archive" else _CONTAINERS.get(what)
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head[_FLATBUFFER[0] :].startswith(_FLATBUFFER[1]):
        return "flatbuffer"
    return _FIELDS.get(head[:1])


def _zip_of_torch(path: Path) -> Container | None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if "constants.pkl" in members:
        return "torchscript"
    return "zip" if "data.pkl" in members else None


def _is_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n" for byte in head) and head.isascii()
