"""MLPerf's accuracy scripts once more: an implementation of our own of what they do at r1.0, to hold our figures against.

    figure(["accuracy-coco.py", "--mlperf-accuracy-file", "accuracy/mlperf_log_accuracy.json", "--coco-dir", …], run_directory)

takes the command that results name and returns the accuracy as a fraction; ``assert_same_figure`` holds the results of a run against it.
It shares nothing with the harness and needs no
pycocotools: COCO's average precision is calculated here, too, by its definition (area "all", at most 100 detections an image).
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from support.repo import Answer

SCENARIOS = ("SingleStream", "MultiStream", "Server", "Offline")
BOX = 7
MOST = 100  # detections of a category in an image
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)


def figure(command: Sequence[str], folder: Path) -> float:
    """Return what the script of ``command``, run in ``folder``, gives: top-1 or mAP as a fraction."""
    script, *words = command
    parser = argparse.ArgumentParser(prog=script)
    parser.add_argument("--mlperf-accuracy-file", required=True)
    if script == "accuracy-imagenet.py":
        parser.add_argument("--imagenet-val-file", required=True)
        parser.add_argument("--dtype", default="float32", choices=["float32", "int32", "int64"])
    else:
        assert script == "accuracy-coco.py"
        parser.add_argument("--coco-dir", required=True)
        parser.add_argument("--use-inv-map", action="store_true")
        parser.add_argument("--remove-48-empty-images", action="store_true")
    options = parser.parse_args(words)
    log = _answers(folder / options.mlperf_accuracy_file)
    if script == "accuracy-imagenet.py":
        return top1(log, folder / options.imagenet_val_file, options.dtype)
    annotations = folder / options.coco_dir / "annotations" / "instances_val2017.json"
    return coco_map(log, annotations, counts=options.use_inv_map, only_with_objects=options.remove_48_empty_images)


def assert_same_figure(answer: Answer) -> tuple[float, float]:
    """Assert that the accuracy of a run is what the official command gives for its log; return both."""
    accuracy = answer.ok().json["results"]["accuracy"]
    ours = accuracy["top1"] if accuracy["metric"] == "top1" else accuracy["mean_average_precision"]
    official = figure(accuracy["official_command"], Path(answer.json["directory"]))
    assert accuracy.get("official_problem", "") == ""
    assert ours == pytest.approx(official, abs=1e-9)
    return ours, official


def _answers(path: Path) -> dict[int, bytes]:
    """Return the first record of each index."""
    found: dict[int, bytes] = {}
    for item in json.loads(path.read_text()):
        found.setdefault(item["qsl_idx"], bytes.fromhex(item["data"]))
    return found


def top1(log: dict[int, bytes], labels: Path, dtype: str) -> float:
    """Return the part of the records in ``log`` whose first number, of ``dtype``, is the second word of the index's line."""
    wanted = [int(line.split()[1]) for line in labels.read_text().strip().split("\n")]
    right = [int(np.frombuffer(data, dtype)[0]) == wanted[index] for index, data in log.items()]
    return sum(right) / len(right)


class _Object(NamedTuple):
    box: tuple[float, ...]  # x, y, width, height
    is_crowd: bool


class _Found(NamedTuple):
    box: tuple[float, ...]
    score: float


def coco_map(log: dict[int, bytes], annotations: Path, *, counts: bool, only_with_objects: bool) -> float:
    """Return mAP@[.50:.95] of the boxes in ``log``.

    ``counts``: labels count the categories from 1. ``only_with_objects``: indexes are of the set of images with objects.
    """
    truth = json.loads(annotations.read_text())
    categories = [item["id"] for item in truth["categories"]]
    images = {item["id"]: item for item in truth["images"]}
    order = list(images)
    objects, members = defaultdict(list), defaultdict(list)
    for item in truth["annotations"]:
        members[item["category_id"]].append(item["image_id"])
        objects[item["image_id"], item["category_id"]].append(_Object(tuple(item["bbox"]), bool(item["iscrowd"])))
    if only_with_objects:
        order = list({image for category in categories for image in members[category]})
    found = defaultdict(list)
    for index, data in log.items():
        for label, item in _boxes(data, images[order[index]]):
            found[order[index], [0, *categories][label] if counts else label].append(item)
    ran = sorted(order[index] for index in log)
    curves = [_curves([(objects[image, one], found[image, one]) for image in ran]) for one in categories]
    return float(np.mean([curve for curve in curves if curve is not None]))


def _boxes(data: bytes, image: dict[str, Any]) -> Iterator[tuple[int, _Found]]:
    for _, top, left, bottom, right, score, label in np.frombuffer(data, np.float32).astype(float).reshape(-1, BOX):
        x, y = left * image["width"], top * image["height"]
        box = (x, y, right * image["width"] - x, bottom * image["height"] - y)
        yield int(label), _Found(box, float(score))


def _curves(images: list[tuple[list[_Object], list[_Found]]]) -> NDArray[np.float64] | None:
    """Return the precision of one category at every threshold and recall; None if nothing of it is there to be found."""
    total = sum(not item.is_crowd for objects, _ in images for item in objects)
    if not total:
        return None
    scores: list[float] = []
    verdicts: list[list[int]] = []
    for objects, found in images:
        ranked = sorted(found, key=lambda item: -item.score)[:MOST]
        scores += [item.score for item in ranked]
        verdicts += np.transpose([_verdicts(objects, ranked, least) for least in THRESHOLDS]).tolist() if ranked else []
    order = np.argsort(-np.array(scores), kind="stable")
    judged = np.array(verdicts, int).reshape(-1, len(THRESHOLDS))[order]
    return np.array([_curve(column[column >= 0], total) for column in judged.T])


def _curve(right: NDArray[np.int64], total: int) -> NDArray[np.float64]:
    """Return the best precision at or beyond each of RECALLS, of detections (1: right, 0: wrong) in the order of their scores."""
    hits = np.cumsum(right)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    places = np.searchsorted(hits / total, RECALLS, side="left")
    return np.array([precision[place] if place < len(precision) else 0.0 for place in places])


def _verdicts(objects: list[_Object], ranked: list[_Found], least: float) -> list[int]:
    """Return for each detection of an image, the surest first, whether it is right (1), wrong (0) or does not count (-1)."""
    free = [item for item in objects if not item.is_crowd]
    crowds = [item for item in objects if item.is_crowd]
    verdicts = []
    for item in ranked:
        overlaps = [_overlap(item.box, other) for other in free]
        best = max(overlaps, default=0.0)
        if free and best >= min(least, 1 - 1e-10):
            del free[len(overlaps) - 1 - overlaps[::-1].index(best)]  # of equal ones the last, as pycocotools takes it
            verdicts.append(1)
        else:
            is_outside = item.box[2] * item.box[3] < 0  # smaller than the area "all" begins with
            verdicts.append(-1 if is_outside or any(_overlap(item.box, other) >= least for other in crowds) else 0)
    return verdicts


def _overlap(box: Sequence[float], other: _Object) -> float:
    """Return intersection over union; with a crowd, over the box alone."""
    width = min(box[0] + box[2], other.box[0] + other.box[2]) - max(box[0], other.box[0])
    height = min(box[1] + box[3], other.box[1] + other.box[3]) - max(box[1], other.box[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = box[2] * box[3] + (0 if other.is_crowd else other.box[2] * other.box[3] - width * height)
    return width * height / union
