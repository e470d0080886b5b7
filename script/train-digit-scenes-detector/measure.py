"""mAP of detections, computed by pycocotools as for COCO: the mean over IoU 0.50, 0.55, ... 0.95 and over the ten digits."""

import contextlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scenes import preprocess

BATCH = 8

Floats = NDArray[np.float32]
Detections = tuple[Floats, Floats, Floats]
Detector = Callable[[Floats], Detections]


def measure(folder: Path, detector: Detector) -> float:
    """Return the mAP, 0 to 1, over the data set in ``folder``; ``detector`` takes N x 3 x 300 x 300 samples."""
    document = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = []
    for images in _batches(document["images"]):
        samples = np.stack([preprocess((folder / "images" / image["file_name"]).read_bytes()) for image in images])
        for image, *rows in zip(images, *detector(samples), strict=True):
            found += results(image, *rows)
    return mean_average_precision(document, found)


def results(image: dict[str, Any], boxes: Floats, labels: Floats, scores: Floats) -> Iterator[dict[str, Any]]:
    """Yield one network output as COCO results, boxes in pixels of ``image``; rows of score 0 are padding."""
    sides = np.array([image["height"], image["width"]] * 2)
    for (top, left, bottom, right), label, score in zip(boxes * sides, labels, scores, strict=True):
        if score > 0:
            box = [float(left), float(top), float(right - left), float(bottom - top)]
            yield {"image_id": image["id"], "category_id": int(label), "bbox": box, "score": float(score)}


def mean_average_precision(document: dict[str, Any], found: list[dict[str, Any]]) -> float:
    """Return the mAP of COCO results against a COCO document."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a table
        truth = COCO()
        truth.dataset = document
        truth.createIndex()
        scoring = COCOeval(truth, truth.loadRes(found), "bbox")
        scoring.evaluate()
        scoring.accumulate()
        scoring.summarize()
    return float(scoring.stats[0])


def _batches(images: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    return (images[start : start + BATCH] for start in range(0, len(images), BATCH))
