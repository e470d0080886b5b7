"""The digits as JPEG files: the split, the pixels as a benchmark reads them, and the folder ``dataset/digits-val``.

    python prepare.py FOLDER

writes ``images/`` and ``val_map.txt`` of the held-out part into FOLDER.
"""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HELD_OUT = 450
SPLIT_SEED = 1998
SIDE = 32
MIDDLE = np.float32(127.5)

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Digits:
    """``images`` (N x 8 x 8, gray, 0-255) and their ``labels`` (N, 0-9)."""

    images: Bytes
    labels: NDArray[np.int64]


def split() -> tuple[Digits, Digits]:
    """Return the training part (1347 digits) and the held-out part (450 digits), stratified by class."""
    source = load_digits()
    rows = np.arange(len(source.target))
    train, held_out = train_test_split(rows, test_size=HELD_OUT, stratify=source.target, random_state=SPLIT_SEED)
    images = np.rint(source.images * (255 / 16)).astype(np.uint8)
    labels = source.target.astype(np.int64)
    return Digits(images[train], labels[train]), Digits(images[held_out], labels[held_out])


def encode(image: Bytes) -> bytes:
    """Return ``image`` as a gray JPEG of quality 100: its pixels come back within 1 of 255."""
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1]
    return encoded.tobytes()


def preprocess(jpeg: bytes) -> NDArray[np.float32]:
    """Return one sample (1 x 32 x 32, -1 to 1) by the steps of ``package/profile-digits``."""
    return normalise(resize(jpeg))[np.newaxis]


def resize(jpeg: bytes) -> Bytes:
    """Decode to gray and enlarge to 32 x 32."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def normalise(image: Bytes) -> NDArray[np.float32]:
    """Map 0-255 to -1-1."""
    return (image.astype(np.float32) - MIDDLE) / MIDDLE


def samples(digits: Digits) -> NDArray[np.float32]:
    """Return every digit as a benchmark run would present it (N x 1 x 32 x 32)."""
    return np.stack([preprocess(encode(image)) for image in digits.images])


def write_folder(digits: Digits, folder: Path) -> None:
    """Write ``digits`` in ImageNet layout: numbered files in ``images``, and ``val_map.txt`` with their labels."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True), start=1):
        name = f"digits_val_{number:08d}.JPEG"
        (images / name).write_bytes(encode(image))
        lines.append(f"{name} {label}\n")
    (folder / "val_map.txt").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Write the held-out part into the folder given."""
    parser = argparse.ArgumentParser(description="Write the held-out digits as JPEG files in ImageNet layout.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    _, held_out = split()
    write_folder(held_out, folder)
    logging.getLogger(__name__).info("%d images in %s", len(held_out.labels), folder)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
