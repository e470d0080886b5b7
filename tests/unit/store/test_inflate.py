"""Members of zip archives, inflated by another library than zipfile's own."""

import importlib.util
import random
import zipfile
from pathlib import Path

import pytest

from benchloom.errors import IntegrityError
from benchloom.store import inflate
from benchloom.store.archive import extract_digested

DATA = random.Random(3).randbytes(300_000) + b"text " * 400_000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def archive(path: Path, method: int) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("data", DATA)
        made.writestr("empty", b"")
    return path


@pytest.mark.parametrize("method", METHODS)
def test_members_of_every_method_have_their_bytes(tmp_path: Path, method: int):
    with zipfile.ZipFile(archive(tmp_path / "x.zip", method)) as opened:
        for name, expected in (("data", DATA), ("empty", b"")):
            with inflate.open_member(opened, opened.getinfo(name)) as stream:
                assert stream.read() == expected


def test_a_large_member_is_inflated_piece_by_piece(tmp_path: Path):
    path = archive(tmp_path / "x.zip", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as opened, inflate.open_member(opened, opened.getinfo("data")) as stream:
        pieces = list(iter(lambda: stream.read(10_000), b""))
    assert b"".join(pieces) == DATA
    assert max(map(len, pieces)) <= 10_000


@pytest.mark.skipif(importlib.util.find_spec("isal") is None, reason="there is no ISA-L for this system")
def test_isa_l_inflates_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from isal import isal_zlib

    assert inflate.library is isal_zlib
    inflated = 0

    class Counting:
        def __init__(self, bits: int) -> None:
            self.inner = isal_zlib.decompressobj(bits)

        def decompress(self, data: bytes, size: int) -> bytes:
            nonlocal inflated
            found = self.inner.decompress(data, size)
            inflated += len(found)
            return found

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

    class Library:
        decompressobj = Counting

    monkeypatch.setattr(inflate, "library", Library)
    extract_digested(archive(tmp_path / "x.zip", zipfile.ZIP_DEFLATED), "zip", tmp_path / "out")
    assert inflated == len(DATA), "zipfile no longer takes another decompressor"


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_damaged_bytes_are_told(tmp_path: Path, place: float):
    path = archive(tmp_path / "x.zip", zipfile.ZIP_DEFLATED)
    damaged = bytearray(path.read_bytes())
    at = int(len(damaged) * place)
    damaged[at : at + 8] = b"\xff" * 8
    path.write_bytes(damaged)
    with pytest.raises(IntegrityError, match=r"x\.zip is not a valid zip archive"):
        extract_digested(path, "zip", tmp_path / "out")
