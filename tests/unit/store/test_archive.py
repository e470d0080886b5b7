"""Archives, sound and hostile: what comes out is inside, bounded and whole, or nothing comes out."""

import bz2
import gzip
import io
import lzma
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from benchloom.errors import IntegrityError, LoomError
from benchloom.store.archive import Limits, check, extract

CONTENT = {"a.txt": b"first", "dir/b.bin": bytes(range(256)) * 64, "dir/deep/tool": b"#!/bin/sh\n"}


def tar_bytes(members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as made:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            made.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.linkname = kind, mode, target
    return made


def sound_tar(mode: str) -> bytes:
    folder = info("dir", tarfile.DIRTYPE, 0o755)
    return tar_bytes(
        [(folder, b""), *((info(k, mode=0o755 if "tool" in k else 0o644), v) for k, v in CONTENT.items())], mode
    )


def sound_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("dir/", b"")
        for name, data in CONTENT.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | (0o755 if "tool" in name else 0o644)) << 16
            made.writestr(entry, data)
    return buffer.getvalue()


def zip_of(*members: tuple[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # zipfile warns about repeated names
        for name, data in members:
            entry = zipfile.ZipInfo("x")
            entry.filename = entry.orig_filename = name
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            made.writestr(entry, data)
    return buffer.getvalue()


SOUND = {
    "x.zip": ("zip", sound_zip()),
    "x.tar": ("tar", sound_tar("w")),
    "x.tgz": ("tar", sound_tar("w:gz")),
    "x.tar.bz2": ("tar", sound_tar("w:bz2")),
    "x.tar.xz": ("tar", sound_tar("w:xz")),
}


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def put(tmp_path: Path, data: bytes, name: str = "archive") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def refused(tmp_path: Path, data: bytes, kind: str, match: str, **options: object) -> IntegrityError:
    """Extraction fails, and the destination, with what it held, is as it was; nothing lies beside it."""
    archive = put(tmp_path, data)
    target = tmp_path / "place" / "target"
    target.mkdir(parents=True)
    (target / "a.txt").write_bytes(b"old")
    with pytest.raises(IntegrityError, match=match) as caught:
        extract(archive, kind, target, **options)
    assert tree(tmp_path) == {"archive": data, "place/target/a.txt": b"old"}
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    assert caught.value.exit_code == 5
    return caught.value


@pytest.mark.parametrize("name", SOUND)
def test_extract_sound_archive_gives_files_and_executable_bit(tmp_path: Path, name: str):
    kind, data = SOUND[name]
    files = extract(put(tmp_path, data, name), kind, tmp_path / "out")
    assert tree(tmp_path / "out") == CONTENT
    assert sorted(files) == sorted(tmp_path / "out" / each for each in CONTENT)
    assert (tmp_path / "out/dir/deep/tool").stat().st_mode & 0o111 == 0o111
    assert not (tmp_path / "out/a.txt").stat().st_mode & 0o111
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out"])


def test_extract_gz_is_named_after_the_published_file(tmp_path: Path):
    archive = put(tmp_path, gzip.compress(b"hello"), "sha256-0000")
    assert extract(archive, "gz", tmp_path / "out", name="labels.txt.gz") == (tmp_path / "out/labels.txt",)
    assert (tmp_path / "out/labels.txt").read_bytes() == b"hello"
    assert extract(archive, "gz", tmp_path / "out") == (tmp_path / "out/sha256-0000.out",)


@pytest.mark.parametrize("name", SOUND)
def test_extract_member_glob_takes_only_what_matches(tmp_path: Path, name: str):
    kind, data = SOUND[name]
    assert extract(put(tmp_path, data), kind, tmp_path / "out", member="dir/*.bin") == (tmp_path / "out/dir/b.bin",)
    assert list(tree(tmp_path / "out")) == ["dir/b.bin"]


def test_extract_member_glob_without_match_is_refused(tmp_path: Path):
    refused(tmp_path, SOUND["x.zip"][1], "zip", "has no member", member="*.onnx")


def test_extract_existing_file_is_replaced_and_others_stay(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("old")
    (tmp_path / "out/mine").write_text("mine")
    extract(put(tmp_path, SOUND["x.tar"][1]), "tar", tmp_path / "out")
    assert tree(tmp_path / "out") == {**CONTENT, "mine": b"mine"}


OUTSIDE = [
    "../evil",
    "dir/../../evil",
    "/evil",
    "\\evil",
    "..\\evil",
    "C:\\evil",
    "c:evil",
    "\\\\host\\share\\x",
    "C:/x",
]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_extract_name_that_leads_outside_is_refused(tmp_path: Path, name: str, kind: str):
    good = ("good", b"x")
    data = zip_of(good, (name, b"evil")) if kind == "zip" else tar_bytes([(info("good"), b"x"), (info(name), b"evil")])
    error = refused(tmp_path, data, kind, "leads outside the destination")
    assert repr(name) in error.where


def test_extract_backslashes_are_folders_on_every_system(tmp_path: Path):
    extract(put(tmp_path, zip_of(("dir\\a.txt", b"x"))), "zip", tmp_path / "out")
    assert tree(tmp_path / "out") == {"dir/a.txt": b"x"}


def test_extract_name_that_is_not_text_is_refused(tmp_path: Path):
    refused(tmp_path, tar_bytes([(info("bad\udcff"), b"x")]), "tar", "not UTF-8")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_extract_tar_link_or_device_is_refused_unless_left_out(tmp_path: Path, kind: bytes):
    data = tar_bytes([(info("a"), b"x"), (info("other", kind, target="a"), b"")])
    refused(tmp_path, data, "tar", "link or device")
    assert extract(tmp_path / "archive", "tar", tmp_path / "out", member="a")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_extract_zip_link_or_device_is_refused(tmp_path: Path, mode: int):
    refused(tmp_path, zip_of(("link", b"/etc/passwd"), mode=mode | 0o777), "zip", "link or device")


@pytest.mark.parametrize("second", ["a", "./a", "a//b/../a"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_extract_repeated_name_is_refused(tmp_path: Path, second: str, kind: str):
    data = (
        zip_of(("a", b"1"), (second, b"2")) if kind == "zip" else tar_bytes([(info("a"), b"1"), (info(second), b"2")])
    )
    refused(tmp_path, data, kind, "occurs twice|leads outside")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_extract_name_that_is_file_and_folder_is_refused(tmp_path: Path, names: tuple[str, str]):
    refused(tmp_path, tar_bytes([(info(names[0]), b"1"), (info(names[1]), b"2")]), "tar", "not a valid|occurs twice")


def test_extract_file_where_the_destination_has_a_folder_moves_nothing(tmp_path: Path):
    (tmp_path / "out/b").mkdir(parents=True)
    archive = put(tmp_path, tar_bytes([(info("a"), b"1"), (info("b"), b"2")]))
    with pytest.raises(IntegrityError, match="conflicts with files that exist"):
        extract(archive, "tar", tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_extract_more_bytes_than_allowed_is_refused(tmp_path: Path):
    refused(tmp_path, zip_of(("big", b"x" * 5000)), "zip", "expands to more than 4096 bytes", limits=Limits(bytes=4096))


def test_extract_more_entries_than_allowed_is_refused(tmp_path: Path):
    folders = [(info(f"d{n}", tarfile.DIRTYPE), b"") for n in range(11)]
    refused(tmp_path, tar_bytes(folders), "tar", "more than 10 entries", limits=Limits(entries=10))


@pytest.mark.parametrize("kind", ["zip", "tar", "gz"])
def test_extract_bomb_is_refused_by_its_ratio(tmp_path: Path, kind: str):
    """17 MiB of zeros come from some 17 KiB: a thousand times their size."""
    zeros = bytes(17 << 20)
    data = {
        "zip": lambda: zip_of(("zeros", zeros)),
        "tar": lambda: gzip.compress(tar_bytes([(info("zeros"), zeros)])),
        "gz": lambda: gzip.compress(zeros),
    }[kind]()
    refused(tmp_path, data, kind, "times its size")


def test_extract_small_file_of_repetitions_is_no_bomb(tmp_path: Path):
    """A thousand times its size, but below what is checked: masks and empty tables are packed as well as that."""
    archive = tmp_path / "archive"
    archive.write_bytes(gzip.compress(bytes(8 << 20)))
    [found] = extract(archive, "gz", tmp_path / "out", name="zeros")
    assert found.stat().st_size == 8 << 20


def test_extract_zip_whose_header_lies_about_the_size_is_refused(tmp_path: Path):
    data = bytearray(zip_of(("f", b"x" * 5000)))
    for place in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        data[place : place + 4] = (10).to_bytes(4, "little")
    refused(tmp_path, bytes(data), "zip", "not a valid zip")


def test_extract_encrypted_zip_is_refused(tmp_path: Path):
    data = bytearray(zip_of(("f", b"secret")))
    for place in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[place] |= 1
    refused(tmp_path, bytes(data), "zip", "not a valid zip")


@pytest.mark.parametrize("name", SOUND)
def test_extract_truncated_archive_is_refused_wherever_it_ends(tmp_path: Path, name: str):
    kind, data = SOUND[name]
    data = data.rstrip(b"\0") if name == "x.tar" else data  # the end mark of a plain tar is zeros
    for number, end in enumerate(sorted({0, 1, 10, 511, 512, 513, 1024, len(data) // 2, len(data) - 1})):
        if end < len(data):
            place = tmp_path / str(number)
            place.mkdir()
            refused(place, data[:end], kind, "not a valid")


@pytest.mark.parametrize("name", SOUND)
def test_extract_damaged_archive_is_sound_or_refused_and_never_anything_else(tmp_path: Path, name: str):
    """Flipped bytes anywhere: either the right files come out, or a LoomError and no file."""
    kind, data = SOUND[name]
    chance = random.Random(name)
    for number in range(150):
        spoiled = bytearray(data)
        for _ in range(chance.choice([1, 1, 4])):
            spoiled[chance.randrange(min(len(spoiled), 24_000))] ^= chance.randrange(1, 256)
        place = tmp_path / str(number)
        place.mkdir()
        archive = put(place, bytes(spoiled))
        try:
            extract(archive, kind, place / "out")
        except LoomError:
            assert not (place / "out").exists()
        assert {path.name for path in place.iterdir()} <= {"archive", "out"}


def test_extract_damaged_header_in_the_middle_of_a_tar_is_refused(tmp_path: Path):
    data = bytearray(tar_bytes([(info("a"), b"1"), (info("b"), b"2")]))
    data[1024 + 148] ^= 1  # the checksum of the second header
    refused(tmp_path, bytes(data), "tar", "not a valid")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_extract_damaged_checksum_at_the_very_end_is_refused(tmp_path: Path, compress: Callable[[bytes], bytes]):
    data = bytearray(compress(tar_bytes([(info("a"), b"1")])))
    data[-6] ^= 0xFF
    refused(tmp_path, bytes(data), "tar", "not a valid")


def xz_with_dictionary(code: int) -> bytes:
    """Return a tar.xz whose header asks for a dictionary of another size: 28 is 64 MiB, 36 is 1 GiB."""
    data = bytearray(lzma.compress(tar_bytes([(info("a"), b"1")])))
    size = (data[12] + 1) * 4
    data[16] = code
    data[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(data[12 : 12 + size - 4]))
    return bytes(data)


def lzma_with_dictionary(size: int) -> bytes:
    data = lzma.compress(tar_bytes([(info("a"), b"1")]), format=lzma.FORMAT_ALONE)
    return data[:1] + struct.pack("<I", size) + data[5:]


def zip_with_dictionary(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("a", b"1")
    data = bytearray(buffer.getvalue())
    data[36:40] = struct.pack("<I", size)  # after a header of 30 bytes, the name, version, length, lc/lp/pb
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(xz_with_dictionary(28), "tar"), (lzma_with_dictionary(64 << 20), "tar"), (zip_with_dictionary(64 << 20), "zip")],
    ids=["xz", "lzma", "zip"],
)
def test_extract_dictionary_of_the_best_compression_is_taken(tmp_path: Path, data: bytes, kind: str):
    (tmp_path / "archive").write_bytes(data)
    assert [path.read_bytes() for path in extract(tmp_path / "archive", kind, tmp_path / "out")] == [b"1"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [(xz_with_dictionary(36), "tar"), (lzma_with_dictionary(1 << 30), "tar"), (zip_with_dictionary(1 << 31), "zip")],
    ids=["xz", "lzma", "zip"],
)
def test_extract_dictionary_that_would_fill_the_memory_is_refused(tmp_path: Path, data: bytes, kind: str):
    (tmp_path / "archive").write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        extract(tmp_path / "archive", kind, tmp_path / "out")
    assert "needs more than 256 MiB of memory" in caught.value.why[0]


def test_extract_tar_of_two_xz_streams(tmp_path: Path):
    raw = sound_tar("w")
    (tmp_path / "archive").write_bytes(lzma.compress(raw[:700]) + bytes(8) + lzma.compress(raw[700:]))
    assert {path.name for path in extract(tmp_path / "archive", "tar", tmp_path / "out")} == {"a.txt", "b.bin", "tool"}


@pytest.mark.parametrize("data", [b"\0", b"hello", b"\x1f\x8b", gzip.compress(b"x" * 100, mtime=0)[:-9]])
@pytest.mark.parametrize("kind", ["zip", "tar", "gz"])
def test_extract_something_else_is_refused(tmp_path: Path, data: bytes, kind: str):
    refused(tmp_path, data, kind, "not a valid")


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE], ids=["long name", "pax"])
def test_extract_tar_header_that_unfolds_is_refused(tmp_path: Path, kind: bytes):
    """A header of 8 MiB in 8 KiB: tarfile reads it whole before anybody sees a member."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = kind, 8 << 20
    data = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"a" * header.size + tar_bytes([(info("x"), b"x")]))
    refused(tmp_path, data, "tar", "not a valid tar archive")


def test_extract_members_that_are_left_out_count(tmp_path: Path):
    data = gzip.compress(tar_bytes([(info("zeros"), bytes(17 << 20)), (info("wanted"), b"x")]))
    refused(tmp_path, data, "tar", "times its size", member="wanted")


def test_extract_bytes_after_the_end_of_a_tar_count(tmp_path: Path):
    data = gzip.compress(tar_bytes([(info("x"), b"x")]) + bytes(17 << 20))
    refused(tmp_path, data, "tar", "times its size")


@pytest.mark.parametrize("kind", ["zip", "tar", "gz"])
def test_check_reads_an_archive_as_extract_does(tmp_path: Path, kind: str):
    zeros = bytes(17 << 20)
    files = {
        "zip": (zip_of(("a", b"x" * 99)), zip_of(("zeros", zeros))),
        "tar": (tar_bytes([(info("a"), b"x" * 99)]), gzip.compress(tar_bytes([(info("zeros"), zeros)]))),
        "gz": (gzip.compress(b"x" * 99), gzip.compress(zeros)),
    }
    sound, bomb = files[kind]
    (tmp_path / "sound").write_bytes(sound)
    check(tmp_path / "sound", kind)
    for name, data in ("bomb", bomb), ("short", sound[:-30]):
        (tmp_path / name).write_bytes(data)
        if (kind, name) == ("tar", "short"):
            continue  # a plain tar is whole where its last member is
        with pytest.raises(IntegrityError):
            check(tmp_path / name, kind)
