"""Mean average precision from LoadGen's accuracy log alone, by pycocotools."""

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchloom.datasets.layouts.coco import annotation_bytes, counts_categories
from benchloom.errors import InputError
from benchloom.harness.inputs import Inputs
from benchloom.harness.logs import answers_of_all, read_records
from benchloom.harness.tasks.object_detection import BOX

Record = NDArray[np.float32]


def read_detections(folder: Path, image_ids: Sequence[int]) -> list[Record]:
    """Return the boxes (n x ``BOX``) of each image from LoadGen's accuracy log in ``folder``, in QSL order.

    Raises ExecutionError if images are missing, or a response is incomplete.
    """
    records = answers_of_all(read_records(folder, BOX), len(image_ids), folder)
    return [record.reshape(-1, BOX) for record in records]


def in_categories(detections: Sequence[Record], inputs: Inputs, shift: int = 0) -> list[Record]:
    """Return ``detections`` with the model's labels replaced by category ids of the data set, plus ``shift``.

    Raises InputError for a label of a detection without a category in the annotations; with a ``shift`` it matches
    nothing. Slots without a detection (score 0) may have any label; ids between those of the annotations may
    exist only in the network, and match nothing.
    """
    is_index, categories = counts_categories(inputs.model), np.array([0, *inputs.categories], np.float32)
    highest = len(inputs.categories) if is_index else max(inputs.categories)
    found = [record.copy() for record in detections]
    for record in found:
        labels = record[:, 6] + shift
        strange = (labels < 1) | (labels > highest)
        if not shift and (detected := labels[strange & (record[:, 5] > 0)].tolist()):
            raise _strange_label(int(detected[0]), detections, highest, inputs)
        labels = np.where(strange, 0, labels)
        record[:, 6] = categories[labels.astype(np.int64)] if is_index else labels
    return found


def _strange_label(label: int, detections: Sequence[Record], highest: int, inputs: Inputs) -> InputError:
    ids, is_index = inputs.categories, counts_categories(inputs.model)
    given = np.concatenate([record[record[:, 5] > 0, 6] for record in detections])
    shifts = {1: "added to", -1: "taken from"}
    return InputError(
        f"the model gives label {label}, which is not a category of {inputs.dataset}",
        where="model.detections.labels",
        why=[
            f"the facts say that labels {'count the categories, from 1' if is_index else 'are category ids'}",
            f"the annotations have {len(ids)} categories with ids {min(ids)} to {max(ids)}",
            f"the labels of all boxes are between {given.min():g} and {given.max():g}",
            *(
                f"with 1 {words} each of them, all would be between 1 and {highest}"
                for shift, words in shifts.items()
                if given.min() + shift >= 1 and given.max() + shift <= highest
            ),
        ],
        fix="state 'category' if labels are category ids, 'index' if they count categories from 1; or choose the model's own data set",
    )


def mean_average_precision(detections: Sequence[Record], image_ids: Sequence[int], annotations: Path) -> float | None:
    """Return mAP@[.50:.95] of ``detections`` (as ``read_detections`` gives them) over the images ``image_ids``.

    Equals MLPerf's accuracy-coco.py: corners times the size that the annotations state, as x, y, width, height. Without
    any box it is 0. Without annotations in these images it is None.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints progress messages
        truth = _truth(annotations)
        rows = [
            row for record, image in zip(detections, image_ids, strict=True) for row in _rows(record, image, truth.imgs)
        ]
        if not truth.getAnnIds(imgIds=list(image_ids), iscrowd=False):
            return None
        return _evaluated(truth, rows, image_ids) if rows else 0.0


def _truth(annotations: Path) -> COCO:
    """Read annotations for pycocotools, with defaults for absent keys."""
    found = json.loads(annotation_bytes(annotations))
    for item in found["annotations"]:
        item.setdefault("iscrowd", 0)
        item.setdefault("area", item["bbox"][2] * item["bbox"][3])
    truth = COCO()
    truth.dataset = found
    truth.createIndex()
    return truth


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
