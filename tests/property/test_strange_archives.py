"""Whatever the bytes of an archive: its files come out whole and inside, or nothing does and it is refused."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchloom.errors import IntegrityError
from benchloom.store.archive import Limits, extract
from support.fuzz import Campaign, broken, examples, files_below, seeded

LIMITS = Limits(bytes=1 << 20, entries=200)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress,
}  # fmt: skip
WORDS = [b"../", b"/", b"\x00", b"\\", b"C:", b"a.txt", b"\xff" * 8, b"0" * 8, b"7" * 11, b"PK\x01\x02", b"PK\x05\x06", b"ustar", b"L", b"x", b"2", b"S"]  # fmt: skip

PART = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:"), min_size=1, max_size=8
).filter(lambda text: text not in {".", ".."})
TREES = st.dictionaries(
    st.tuples(st.sampled_from(["", "d/", "d/e/"]), PART).map(lambda pair: f"{pair[0]}f{pair[1]}"),
    st.tuples(st.binary(max_size=2000), st.booleans()),
    min_size=1,
    max_size=6,
)


def tar_of(tree: dict[str, tuple[bytes, bool]], style: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as made:
        for name, (data, is_program) in tree.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755 if is_program else 0o644
            made.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(tree: dict[str, tuple[bytes, bool]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, (data, is_program) in tree.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = (stat.S_IFREG | (0o755 if is_program else 0o644)) << 16
            made.writestr(info, data)
    return buffer.getvalue()


@settings(max_examples=examples(150), deadline=None)
@given(
    tree=TREES,
    packed=st.sampled_from(["zip", *PACKED]),
    style=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_sound_archive_gives_what_was_put_into_it(tree: dict[str, tuple[bytes, bool]], packed: str, style: int):
    with TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        archive.write_bytes(zip_of(tree) if packed == "zip" else PACKED[packed](tar_of(tree, style)))
        found = extract(archive, "zip" if packed == "zip" else "tar", Path(folder) / "out", limits=LIMITS)
        assert files_below(Path(folder) / "out") == {name: data for name, (data, _) in tree.items()}
        assert {path.relative_to(Path(folder) / "out").as_posix() for path in found} == set(tree)
        assert all(
            bool(path.stat().st_mode & 0o100) == tree[path.relative_to(Path(folder) / "out").as_posix()][1]
            for path in found
        )


def originals() -> Iterator[tuple[str, bytes]]:
    """Yield kind and bytes of archives of every kind: files, links, devices, long names, sparse files, extended headers."""
    tree = {"a.txt": (b"first " * 50, False), "dir/tool": (b"#!/bin/sh\n", True), "n" * 150 + "/é": (b"long", False)}
    odd = io.BytesIO()
    with tarfile.open(fileobj=odd, mode="w") as made:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"odd-{kind.decode()}")
            info.type, info.linkname = kind, "../../target"
            made.addfile(info)
        info = tarfile.TarInfo("pax")
        info.pax_headers = {
            "path": "dir/pax",
            "size": "3",
            "GNU.sparse.map": "0,1",
            "GNU.sparse.size": "5",
            "comment": "x",
        }
        info.size = 3
        made.addfile(info, io.BytesIO(b"pax"))
    for data in (tar_of(tree), tar_of(tree, tarfile.GNU_FORMAT), tar_of(tree, tarfile.USTAR_FORMAT), odd.getvalue()):
        yield "tar", data
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield "zip", zip_of(tree, method)
    yield "gz", gzip.compress(b"content " * 100)


@pytest.mark.timeout(examples(300))
def test_changed_archive_is_extracted_inside_or_refused_without_a_trace(tmp_path: Path):
    rng, campaign = seeded(1), Campaign("archives")
    pool = list(originals())
    folder = tmp_path / "folder"
    folder.mkdir()
    for _ in range(examples(6000)):
        kind, data = rng.choice(pool)
        packed = rng.choice(list(PACKED)) if kind == "tar" else ""
        # Changes before compression get through the checksum of what is compressed; those after it do not.
        data = (
            PACKED[packed](broken(data, rng, WORDS)) if rng.random() < 0.8 else broken(PACKED[packed](data), rng, WORDS)
        )
        archive = folder / f"archive{packed}"
        archive.write_bytes(data)
        kind = rng.choice(["zip", "tar", "gz"]) if rng.random() < 0.05 else kind
        with TemporaryDirectory(dir=tmp_path) as place:
            out = Path(place) / "in" / "out"
            found = campaign.outcome(lambda: extract(archive, kind, out, limits=LIMITS))  # noqa: B023 - called at once
            left = files_below(Path(place))
            assert set(left) == {path.relative_to(place).as_posix() for path in found or ()}
            assert all(name.startswith("in/out/") for name in left)
            assert sum(map(len, left.values())) <= LIMITS.bytes
        assert set(folder.iterdir()) == {archive}
        archive.unlink()
    campaign.show()


@pytest.mark.parametrize("kind", ["zip", "tar", "gz"])
def test_nothing_but_an_integrity_error_comes_of_noise(tmp_path: Path, kind: str):
    rng = seeded(2)
    for _ in range(examples(200)):
        archive = tmp_path / "noise"
        archive.write_bytes(
            rng.choice([b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"BZh9", b"\xfd7zXZ\x00"]) + rng.randbytes(600)
        )
        with pytest.raises(IntegrityError):
            extract(archive, kind, tmp_path / "out", limits=LIMITS)
        assert set(tmp_path.iterdir()) == {archive}
