"""Draw detected boxes on images, for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec

from benchloom.datasets.layouts.coco import CategoryEntry, ImageEntry, annotation_bytes
from benchloom.harness.detection import Record
from benchloom.harness.inputs import Inputs

COUNT = 8
LEAST_SCORE = 0.3
_COLOUR = (40, 60, 230)  # blue, green, red


class _Names(msgspec.Struct):
    images: list[ImageEntry]
    categories: list[CategoryEntry]


def draw(detections: Sequence[Record], image_ids: Sequence[int], inputs: Inputs, folder: Path) -> None:
    """Write the first ``COUNT`` images to ``folder`` as PNG, each with the boxes whose score is at least ``LEAST_SCORE``."""
    found = msgspec.json.decode(annotation_bytes(inputs.annotations), type=_Names)
    images = {item.id: item for item in found.images}
    names = {item.id: item.name for item in found.categories}
    folder.mkdir(parents=True, exist_ok=True)
    for record, image_id in list(zip(detections, image_ids, strict=True))[:COUNT]:
        entry = images[image_id]
        picture = cv2.imread(str(inputs.images / entry.file_name), cv2.IMREAD_COLOR)
        for _, top, left, bottom, right, score, category in record.tolist():
            if picture is not None and score >= LEAST_SCORE:
                corners = ((left * entry.width, top * entry.height), (right * entry.width, bottom * entry.height))
                _box(picture, corners, f"{names.get(int(category), int(category))} {score:.2f}")
        if picture is not None:
            cv2.imwrite(str(folder / f"{Path(entry.file_name).stem}.png"), picture)


def _box(picture: Any, corners: tuple[tuple[float, float], tuple[float, float]], text: str) -> None:
    (left, top), (right, bottom) = ((round(x), round(y)) for x, y in corners)
    cv2.rectangle(picture, (left, top), (right, bottom), _COLOUR, 1)
    cv2.putText(picture, text, (left, max(top - 3, 9)), cv2.FONT_HERSHEY_SIMPLEX, 0.35, _COLOUR, 1, cv2.LINE_AA)
