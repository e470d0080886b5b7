"""Files decoded in memory are what OpenCV makes of the file itself, and refused for the same reasons."""

import io
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchloom.harness.decoding import DamagedImageError, decode

FLAGS = {"bgr": cv2.IMREAD_COLOR, "gray": cv2.IMREAD_GRAYSCALE}


def jpeg(chance: random.Random) -> bytes:
    """A small JPEG of a kind that cameras and programs write."""
    height, width = chance.choice([(1, 1), (8, 8), (17, 33), (40, 64), (63, 65)])
    coarse = np.random.default_rng(chance.randrange(1 << 30)).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3))
    image = Image.fromarray(cv2.resize(coarse.astype(np.uint8), (width, height)))
    turned = Image.Exif()
    turned[0x0112] = chance.randint(1, 8)
    stream = io.BytesIO()
    image.convert(chance.choice(["RGB", "RGB", "L", "CMYK"])).save(
        stream,
        "JPEG",
        quality=chance.choice([20, 75, 90, 100]),
        progressive=chance.random() < 0.4,
        subsampling=chance.choice([0, 1, 2]),
        exif=turned,
    )
    return stream.getvalue()


def harmed(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, taken out, put in, or the end cut off; sometimes nothing."""
    found = bytearray(data)
    for _ in range(chance.choice([0, 1, 1, 2, 5])):
        place = chance.randrange(len(found))
        what = chance.choice(["change", "change", "take", "put", "cut"])
        if what == "change":
            found[place] = chance.choice([chance.randrange(256), 0xFF, 0xD9, 0xDA, 0])
        elif what == "take":
            del found[place : place + chance.choice([1, 3, 20])]
        elif what == "put":
            found[place:place] = bytes(chance.choices([0xFF, 0xD9, 0xD8, 0, 77], k=chance.choice([1, 2, 6])))
        else:
            del found[place + 1 :]
        found = found or bytearray(1)
    return bytes(found)


@pytest.mark.parametrize("colour", FLAGS)
def test_jpeg_whole_or_harmed_is_what_opencv_reads_from_the_file(tmp_path: Path, colour: str):
    chance = random.Random(7)
    path = tmp_path / "picture.JPEG"
    outcomes = {"decoded": 0, "cannot be decoded": 0, "truncated": 0}
    for number in range(600):
        path.write_bytes(harmed(jpeg(chance), chance))
        wanted = cv2.imread(str(path), FLAGS[colour])
        try:
            assert np.array_equal(decode(path, colour), wanted), number
            outcomes["decoded"] += 1
        except DamagedImageError as error:
            reason = error.what.removeprefix("the image ").removeprefix("is ")
            assert (wanted is None) == (reason == "cannot be decoded"), number
            outcomes[reason] += 1
    assert min(outcomes.values()) > 15, outcomes


@pytest.mark.parametrize("format", ["PNG", "BMP", "WEBP", "TIFF"])
def test_other_format_is_what_opencv_reads_from_the_file(tmp_path: Path, format: str):
    path = tmp_path / "picture.JPEG"
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(path, format)
    assert np.array_equal(decode(path, "bgr"), cv2.imread(str(path)))


@pytest.mark.parametrize(
    "data", [b"\xff\xd8\xff", b"\xff\xd8\xff\xff", b"\xff\xd8\xff\xe1", b"\xff\xd8\xff\xe1\xff\xff\xff"]
)
def test_file_that_ends_within_a_marker_cannot_be_decoded(tmp_path: Path, data: bytes):
    (tmp_path / "picture.JPEG").write_bytes(data)
    with pytest.raises(DamagedImageError, match="cannot be decoded"):
        decode(tmp_path / "picture.JPEG", "bgr")


def test_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path):
    for path in (tmp_path, tmp_path / "none.JPEG"):
        with pytest.raises(DamagedImageError, match="cannot be read") as caught:
            decode(path, "bgr")
        assert caught.value.where == str(path)
        assert caught.value.why
