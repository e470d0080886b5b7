"""Scenes of several handwritten digits, and the folder ``dataset/digit-scenes-val`` in COCO layout.

    python scenes.py FOLDER

writes ``images/`` and ``annotations.json`` of scenes of held-out digits into FOLDER. The digits and their split are those
of ``script/train-digits-network``, which has to be on PYTHONPATH. The seed decides everything about a scene.
"""

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from prepare import Digits, split

COUNT = 120
SEED = 2014
QUALITY = 80
SIDE = 300
CLASSES = 10
# Width and height; most scenes are square, the others show whether the resize keeps to both sides.
SIZES = ((300, 300), (300, 300), (300, 300), (320, 240), (240, 320))
GRAY_SCENE = 8  # the one that is a JPEG of a single plane
EMPTY_EVERY = 24  # one scene in so many has no digit
MOST_DIGITS = 10
SMALLEST, LARGEST = 32.0, 170.0  # heights of digits, pixels
LARGEST_OVERLAP = 0.2  # of the smaller box
INK = 0.35  # the opacity from which a pixel belongs to the digit's box
MARGIN = 2  # pixels between a digit's box and the edge of its scene

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """An RGB image, and for each of its K digits: box (K x 4: x, y, width, height in pixels), label (0-9), row in its part."""

    image: Bytes
    boxes: Floats
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]


def compose(digits: Digits, random: np.random.Generator, *, empty: bool = False) -> Scene:
    """Return one scene with up to ``MOST_DIGITS`` of ``digits``, none where ``empty``."""
    width, height = SIZES[random.integers(len(SIZES))]
    image = _background(width, height, random)
    wanted = 0 if empty else int(random.integers(1, MOST_DIGITS + 1))
    found: list[tuple[int, tuple[int, int, int, int]]] = []
    for _ in range(wanted):
        row = int(random.integers(len(digits.labels)))
        opacity = _opacity(digits.images[row], random)
        box = _place(opacity.shape, (height, width), [other for _, other in found], random)
        if box is not None:
            _paint(image, opacity, box, random)
            found.append((row, box))
    grain = np.float32(random.uniform(0, 5))
    image += grain * random.standard_normal((height, width, 1), np.float32)
    rows = np.array([row for row, _ in found], np.int64)
    boxes = np.array([box for _, box in found], np.float32).reshape(-1, 4)
    return Scene(np.clip(image, 0, 255).astype(np.uint8), boxes, digits.labels[rows], rows)


def _background(width: int, height: int, random: np.random.Generator) -> Floats:
    """A dark colour with soft stains, and in most scenes lines and discs of other colours."""
    stains = random.normal(0, 1, (random.integers(2, 12), random.integers(2, 12), 3)).astype(np.float32)
    image = cv2.resize(stains, (width, height), interpolation=cv2.INTER_CUBIC) * random.uniform(4, 22)
    image += random.uniform(10, 110, 3).astype(np.float32)
    for _ in range(random.integers(0, 7)):
        colour = random.uniform(0, 150, 3).tolist()
        start, end = (tuple(random.integers(0, (width, height)).tolist()) for _ in range(2))
        if random.random() < 0.5:
            cv2.line(image, start, end, colour, int(random.integers(1, 5)), cv2.LINE_AA)
        else:
            cv2.circle(image, start, int(random.integers(4, 50)), colour, -1, cv2.LINE_AA)
    return image


def _opacity(digit: Bytes, random: np.random.Generator) -> Floats:
    """The digit enlarged, stretched and turned a little: 0-1, cut to the pixels of its ink."""
    size = np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST)))
    scale = size / len(digit)
    stretch, angle = random.uniform(0.85, 1.15), np.deg2rad(random.uniform(-8, 8))
    side = int(size * 1.6)
    turn = np.array([[np.cos(angle) * stretch, -np.sin(angle)], [np.sin(angle) * stretch, np.cos(angle)]]) * scale
    middle = (len(digit) - 1) / 2
    shift = np.full(2, side / 2) - turn @ np.full(2, middle)
    soft = cv2.warpAffine(digit, np.column_stack([turn, shift]), (side, side), flags=cv2.INTER_CUBIC)
    # A steeper edge than the enlargement's: the stroke ends where its opacity is a half.
    opacity = np.clip((soft.astype(np.float32) / 255 - 0.3) * 3, 0, 1)
    x, y, width, height = cv2.boundingRect((opacity > INK).astype(np.uint8))
    return opacity[y : y + height, x : x + width]


def _place(
    shape: tuple[int, ...],
    bounds: tuple[int, int],
    others: list[tuple[int, int, int, int]],
    random: np.random.Generator,
) -> tuple[int, int, int, int] | None:
    """A box of ``shape`` within ``bounds`` (both rows, columns) that hides little of ``others``; None if none is found."""
    height, width = shape
    room = (bounds[1] - width - 2 * MARGIN, bounds[0] - height - 2 * MARGIN)
    if min(room) < 0 or min(shape) < 4:
        return None
    for _ in range(12):
        x, y = (MARGIN + int(random.integers(limit + 1)) for limit in room)
        box = (x, y, width, height)
        if all(_overlap(box, other) <= LARGEST_OVERLAP for other in others):
            return box
    return None


def _overlap(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """The part of the smaller box that both cover."""
    sides = [
        max(0, min(box[axis] + box[axis + 2], other[axis] + other[axis + 2]) - max(box[axis], other[axis]))
        for axis in (0, 1)
    ]
    return sides[0] * sides[1] / min(box[2] * box[3], other[2] * other[3])


def _paint(image: Floats, opacity: Floats, box: tuple[int, int, int, int], random: np.random.Generator) -> None:
    """Lay the digit over the scene in a light colour, of a few the one that differs most from what is below."""
    x, y, width, height = box
    below = image[y : y + height, x : x + width]
    mean = below.mean((0, 1))
    colours = random.uniform(150, 255, (4, 3)).astype(np.float32)
    colour = colours[int(np.abs(colours - mean).sum(1).argmax())]
    below += opacity[..., np.newaxis] * (colour - below)


def encode(image: Bytes, *, gray: bool = False) -> bytes:
    """Return an RGB image as JPEG, of one plane where ``gray``."""
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY if gray else cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", planes, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def preprocess(jpeg: bytes) -> Floats:
    """Return one sample (3 x 300 x 300, -1 to 1) by the steps of ``package/profile-digit-scenes``."""
    return normalise(resize(jpeg))


def resize(jpeg: bytes) -> Bytes:
    """Decode to RGB and resize to 300 x 300, whatever the aspect."""
    image = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def normalise(image: Bytes) -> Floats:
    """Map 0-255 to -1-1 and put the channels first."""
    return ((image.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)).transpose(2, 0, 1)


def corners(scene: Scene) -> Floats:
    """Return the scene's boxes as parts of its sides, 0-1: ymin, xmin, ymax, xmax (K x 4)."""
    height, width = scene.image.shape[:2]
    x, y, wide, high = scene.boxes.T
    return np.stack([y / height, x / width, (y + high) / height, (x + wide) / width], 1)


def held_out_scenes() -> list[Scene]:
    """Return the scenes of the data set, each from a seed of its own."""
    _, held_out = split()
    return [
        compose(held_out, np.random.default_rng([SEED, number]), empty=number % EMPTY_EVERY == 0)
        for number in range(1, COUNT + 1)
    ]


def write_folder(scenes: list[Scene], folder: Path) -> None:
    """Write ``scenes`` in COCO layout; ``digit`` of an annotation is the number of its image in ``dataset/digits-val``."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number, scene in enumerate(scenes, start=1):
        name = f"digit_scenes_val_{number:06d}.jpg"
        (folder / "images" / name).write_bytes(encode(scene.image, gray=number == GRAY_SCENE))
        height, width = scene.image.shape[:2]
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for box, label, row in zip(scene.boxes.tolist(), scene.labels.tolist(), scene.rows.tolist(), strict=True):
            sides = [int(side) for side in box]
            facts = {"id": len(annotations) + 1, "image_id": number, "category_id": label + 1, "bbox": sides}
            annotations.append({**facts, "area": sides[2] * sides[3], "iscrowd": 0, "digit": row + 1})
    document = {
        "info": {"description": "Scenes of held-out handwritten digits", "version": "1.0", "year": 2026},
        "licenses": [{"id": 1, "name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}],
        "categories": [{"id": digit + 1, "name": str(digit)} for digit in range(CLASSES)],
        "images": images,
        "annotations": annotations,
    }
    (folder / "annotations.json").write_text(_one_per_line(document), encoding="utf-8")


def _one_per_line(document: dict[str, object]) -> str:
    """JSON with one image or annotation a line."""
    parts = []
    for key, value in document.items():
        rows = value if isinstance(value, list) else None
        text = "[\n" + ",\n".join(map(_compact, rows)) + "\n]" if rows is not None else _compact(value)
        parts.append(f'"{key}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def main() -> None:
    """Write the data set into the folder given."""
    parser = argparse.ArgumentParser(description="Write scenes of held-out digits as JPEG files in COCO layout.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    scenes = held_out_scenes()
    write_folder(scenes, folder)
    digits = sum(len(scene.labels) for scene in scenes)
    logging.getLogger(__name__).info("%d scenes of %d digits in %s", len(scenes), digits, folder)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
