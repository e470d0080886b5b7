"""What a file that is not the model it should be looks like, from its first bytes: enough for a clear error."""

from pathlib import Path

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


def _is_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n" for byte in head) and head.isascii()
