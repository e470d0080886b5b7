"""Mean average precision from LoadGen's accuracy log alone, by pycocotools."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchloom.harness.logs import answers_of_all, read_records
from benchloom.harness.predictor import BOX
from benchloom.model.record import Accuracy

Record = NDArray[np.float32]


def read_detections(folder: Path, image_ids: Sequence[int]) -> list[Record]:
    """Return the boxes (n x ``BOX``) of each image by LoadGen's accuracy log in ``folder``, in QSL order.

    Raises ExecutionError where images are missing, or a record does not consist of whole boxes.
    """
    records = answers_of_all(read_records(folder, BOX), len(image_ids), folder)
    return [record.reshape(-1, BOX) for record in records]


def mean_average_precision(detections: Sequence[Record], image_ids: Sequence[int], annotations: Path) -> Accuracy:
    """Return mAP@[.50:.95] of ``detections`` (as ``read_detections`` gives them) over the images ``image_ids``.

    Equals MLPerf's accuracy-coco.py: corners times the size that the annotations state, as x, y, width, height. No box at
    all is 0.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints what it does
        truth = COCO(str(annotations))
        rows = [
            row for record, image in zip(detections, image_ids, strict=True) for row in _rows(record, image, truth.imgs)
        ]
        value = _evaluated(truth, rows, image_ids) if rows else 0.0
    return Accuracy(metric="mAP", mean_average_precision=value, total=len(image_ids))


def _rows(record: Record, image: int, images: Mapping[int, Mapping[str, int]]) -> list[dict[str, object]]:
    height, width = images[image]["height"], images[image]["width"]
    return [
        {
            "image_id": image,
            "category_id": int(category),
            "bbox": [left * width, top * height, (right - left) * width, (bottom - top) * height],
            "score": score,
        }
        for _, top, left, bottom, right, score, category in record.tolist()
    ]


def _evaluated(truth: COCO, rows: list[dict[str, object]], image_ids: Sequence[int]) -> float:
    judge = COCOeval(truth, truth.loadRes(rows), "bbox")
    judge.params.imgIds = list(image_ids)
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return float(judge.stats[0])
