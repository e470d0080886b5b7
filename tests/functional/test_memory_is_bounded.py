"""Files without end, pipes and pictures that unfold are refused in bounded memory and time, with one message."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from benchloom.base import bounded
from benchloom.datasets.layouts import coco, imagenet
from benchloom.errors import InputError
from benchloom.harness.user_conf import read_user_conf
from benchloom.index.files import UnreadableFileError, read_file
from benchloom.model.facts import Dataset
from support.repo import SOURCE

DATASET = Dataset(
    name="trial",
    task="image-classification",
    layout="imagenet",
    images=".",
    labels="labels",
    count=1,
    classes=2,
)


def in_bounds(*argv: str, mebibytes: int = 2048, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with ``argv`` in an address space of this size, for 60 s at most."""
    limit = f'ulimit -v {mebibytes << 10}; exec "$@"'
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "LOOM_HOME": str(cwd / "home"), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", limit, "-", sys.executable, *argv],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("word", ["@/dev/zero", "--lock=/dev/zero"])
def test_file_without_end_on_the_command_line_is_refused(tmp_path: Path, word: str):
    answer = in_bounds(
        "-m", "benchloom", "plan", "program:image-classification-onnx", word, mebibytes=1024, cwd=tmp_path
    )
    assert answer.returncode == 2
    assert "larger than" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_table_without_end_on_the_command_line_is_refused(tmp_path: Path):
    (tmp_path / "deep.json").write_text('{"a":' * 100_000)
    answer = in_bounds("-m", "benchloom", "plan", "program:image-classification-onnx", "@deep.json", cwd=tmp_path)
    assert answer.returncode == 2
    assert "too deep" in answer.stderr


READERS = {
    "labels": lambda path: imagenet.listing(DATASET, path.parent),
    "annotations": lambda path: coco.listing(DATASET, path.parent),
    "user.conf": lambda path: read_user_conf(path, "resnet50", "Offline"),
}


@pytest.mark.parametrize("kind", READERS)
def test_pipe_is_refused_without_waiting(tmp_path: Path, kind: str):
    os.mkfifo(tmp_path / "labels")
    with pytest.raises(InputError) as caught:
        READERS[kind](tmp_path / "labels")
    assert tuple(caught.value.why) == ("it is a pipe, socket or device, not a file",)


@pytest.mark.parametrize("name", ["meta.json", "_cm.yaml"])
def test_metadata_that_is_a_pipe_is_refused_without_waiting(tmp_path: Path, name: str):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UnreadableFileError, match="not a file"):
        read_file(tmp_path / name)


def test_read_bytes_takes_all_up_to_the_bound(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"1234")
    assert bounded.read_bytes(tmp_path / "file", 4) == b"1234"
    with pytest.raises(OSError, match="larger than 3 bytes"):
        bounded.read_bytes(tmp_path / "file", 3)
    with pytest.raises(IsADirectoryError):
        bounded.read_bytes(tmp_path, 3)


def png(width: int, height: int) -> bytes:
    """Return a black picture of this size in a file of about a thousandth of it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = [packer.compress(bytes(1 + width // 8)) for _ in range(height)] + [packer.flush()]
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"".join(rows)) + chunk(b"IEND", b"")


def test_picture_that_unfolds_is_refused_before_it_is_decoded(tmp_path: Path):
    (tmp_path / "bomb.png").write_bytes(png(30_000, 30_000))
    (tmp_path / "sound.png").write_bytes(png(800, 600))
    (tmp_path / "try.py").write_text(
        "from pathlib import Path\n"
        "from benchloom.harness.decoding import DamagedImageError, decode\n"
        "assert decode(Path('sound.png'), 'bgr').shape == (600, 800, 3)\n"
        "try:\n"
        "    decode(Path('bomb.png'), 'bgr')\n"
        "except DamagedImageError as error:\n"
        "    print(*error.why)\n"
    )
    answer = in_bounds("try.py", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "it has more than 134,217,728 pixels\n"
