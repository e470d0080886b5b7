"""Recognise the type of a file from its first bytes: enough to reject what cannot be the requested model, archive or file."""

import zipfile
from pathlib import Path
from typing import IO, Literal

# How the file of a model is written.
Container = Literal["onnx", "graphdef", "flatbuffer", "tar", "pickle", "zip", "torchscript"]

_HEAD = 512
_POINTER = "a Git LFS pointer, not the file itself"
_PAGE = "a web page (HTML)"
_PAGES = (".html", ".htm", ".xhtml", ".xml", ".svg")  # extensions of files that may start like a web page
_CUT_OFF = "it is truncated"
_STARTS = (
    (b"version https://git-lfs", _POINTER),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF document"),
    (b"\x80\x02", "a Python pickle"),
)
# What published models are stored in, or look like; a file of any other type is not a model.
_POSSIBLE = frozenset({"a zip archive", "a tar archive", "an HDF5 file", "a Python pickle"})
_TAR = 257, b"ustar"
# The containers by what they appear to be, and the others by their first bytes: an identifier of TensorFlow Lite at the fifth, and
# the first field of a message, a version (ONNX) or a node (GraphDef).
_CONTAINERS: dict[str, Container] = {"a tar archive": "tar", "a Python pickle": "pickle"}
_FIELDS: dict[bytes, Container] = {b"\x08": "onnx", b"\x0a": "graphdef"}
_FLATBUFFER = 4, b"TFL3"
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")


def seen(path: str) -> list[str]:
    """Return, as reasons for an error, what the file at ``path`` appears to be: one sentence, or none if it is not recognised."""
    try:
        return _sentence(path, appearance(Path(path)))
    except OSError as error:
        return [error.strerror or str(error)]


def no_model(path: str) -> list[str]:
    """Return in one sentence why a file is not a model: empty, text, compressed as a whole, or truncated; else nothing."""
    try:
        what = appearance(Path(path))
        if what not in _POSSIBLE and (found := _sentence(path, what)):
            return found
        return [_CUT_OFF] if _is_cut_off(Path(path), what) else []
    except OSError:
        return []


def no_content(path: str, name: str) -> list[str]:
    """Return in one sentence why a file called ``name`` cannot be the published file; else nothing.

    It is empty, a Git LFS pointer, or a web page that a server sent instead.
    """
    try:
        what = appearance(Path(path))
        is_page = what == _PAGE and not name.lower().endswith(_PAGES)
        return _sentence(path, what) if is_page or what == _POINTER or not Path(path).stat().st_size else []
    except OSError:
        return []


def _sentence(path: str, what: str) -> list[str]:
    size = Path(path).stat().st_size
    if not size:
        return ["it is empty"]
    return [f"it appears to be {what} ({size:,} bytes)"] if what else []


def appearance(path: Path) -> str:
    """Return what the file at ``path`` appears to be, such as ``a web page (HTML)``; '' if it is not recognised.

    Raises OSError if it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_MARKUP):
        return _PAGE
    if start.startswith((b"{", b"[")) and _is_text(head):
        return "JSON text, perhaps a server's error message"
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "a tar archive"
    found = next((what for magic, what in _STARTS if head.startswith(magic)), "")
    return found or ("plain text" if _is_text(head) else "")


def container(path: Path) -> Container | None:
    """Return the container format of the model file at ``path``, from its first bytes and the members of a zip archive.

    None if models are not written in this format. Raises OSError if it cannot be read.
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


def _is_cut_off(path: Path, what: str) -> bool:
    """Tell whether a model file is truncated: a zip archive without its directory, or a message that ends inside a field."""
    if what == "a zip archive":
        return not zipfile.is_zipfile(path)
    if container(path) not in _FIELDS.values():
        return False
    size = path.stat().st_size
    with path.open("rb") as stream:
        while stream.tell() < size:
            end = _end_of_field(stream)
            if end > size:
                return True
            stream.seek(end)
    return False


def _end_of_field(stream: IO[bytes]) -> int:
    """Return the end of the protobuf field at the position of ``stream``; a value beyond any file if it is not a field."""
    never = 1 << 62
    try:
        wire_type = _varint(stream) & 7
        if wire_type == 0:
            _varint(stream)
            return stream.tell()
        if wire_type == 2:
            length = _varint(stream)
            return stream.tell() + length
    except EOFError:
        return never
    return {1: stream.tell() + 8, 5: stream.tell() + 4}.get(wire_type, never)


def _varint(stream: IO[bytes]) -> int:
    """Read a varint: 7 bits per byte, lowest first.

    Raises EOFError if there is none.
    """
    value = 0
    for shift in range(0, 70, 7):
        if not (byte := stream.read(1)):
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise EOFError


def _is_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n" for byte in head) and head.isascii()
