"""MLPerf's own accuracy scripts: the command that scores a log of ours, and what keeps it from giving the same figure.

Both (mlcommons/inference r1.0, ``vision/classification_and_detection/tools``) take the index of a sample in the log
for its place in a list that they read themselves. So the options follow from the samples that were run, and the
command is held against them.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchloom.harness.inputs import Inputs
from benchloom.model.annotations import annotation_bytes

_COCO_FILE = Path("annotations", "instances_val2017.json")  # below --coco-dir
_Annotations: TypeAlias = dict[str, list[dict[str, int]]]
_INVERSE_MAP, _ONLY_WITH_OBJECTS = "--use-inv-map", "--remove-48-empty-images"


@dataclass(frozen=True)
class OfficialScoring:
    """The official ``command`` for a log (empty if no script can read the data set).

    ``problem`` says why it gives another figure than ours; it is empty if both agree.
    """

    command: tuple[str, ...] = ()
    problem: str = ""


def official_scoring(inputs: Inputs, place: Path) -> OfficialScoring:
    """Return how MLPerf scores the accuracy log in ``place`` of a run over ``inputs``."""
    if inputs.missing:
        return OfficialScoring(problem="images were skipped, and the script counts samples in the whole list of images")
    log = str(place / "mlperf_log_accuracy.json")
    return _of_labels(inputs, log) if inputs.model.detections is None else _of_boxes(inputs, log)


def _of_labels(inputs: Inputs, log: str) -> OfficialScoring:
    if not inputs.annotations.is_file():
        return OfficialScoring(problem="the script reads labels from a file, and this data set has none")
    file = str(inputs.annotations)
    command = ("accuracy-imagenet.py", "--mlperf-accuracy-file", log, "--imagenet-val-file", file, "--dtype", "float32")
    try:
        with inputs.annotations.open(encoding="utf-8") as lines:
            labels = [int(line.split()[1]) for line in lines]
    except (IndexError, ValueError):
        return OfficialScoring(
            command, "the script cannot read every line of the label file: it takes NAME LABEL, no empty lines"
        )
    ran = inputs.labels.tolist()
    others = _others(labels, ran)
    return OfficialScoring(
        command, f"the script reads another label for {others} of {len(ran)} samples" if others else ""
    )


def _of_boxes(inputs: Inputs, log: str) -> OfficialScoring:
    if inputs.annotations != inputs.root / _COCO_FILE:
        return OfficialScoring(problem=f"the script reads {_COCO_FILE} of a data set, and this one has none")
    found = json.loads(annotation_bytes(inputs.annotations))
    ran, listed = inputs.labels.tolist(), [image["id"] for image in found["images"]]
    assert inputs.model.detections is not None
    options = [_INVERSE_MAP] if inputs.model.detections.labels == "index" else []
    if _leaves_out_images_without_objects(listed, ran, found):
        options, listed = [*options, _ONLY_WITH_OBJECTS], _with_objects(found)
    command = ("accuracy-coco.py", "--mlperf-accuracy-file", log, "--coco-dir", str(inputs.root), *options)
    if not all("iscrowd" in item and "area" in item for item in found["annotations"]):
        return OfficialScoring(command, "the script needs iscrowd and area of every object, and not all have them")
    others = _others(listed, ran)
    return OfficialScoring(
        command,
        f"the script compares {others} of {len(ran)} samples with the objects of another image" if others else "",
    )


def _leaves_out_images_without_objects(listed: Sequence[int], ran: Sequence[int], found: _Annotations) -> bool:
    """Tell whether the run passed over images without objects, and took none of them."""
    annotated = {item["image_id"] for item in found["annotations"]}
    places = {image: place for place, image in enumerate(listed)}
    passed_over = set(listed[: max(places[image] for image in ran)]) - set(ran)
    return annotated.issuperset(ran) and not annotated.issuperset(passed_over)


def _with_objects(found: _Annotations) -> list[int]:
    """Return the images with objects as the script orders them: as a Python set, filled category by category."""
    images = defaultdict(list)
    for item in found["annotations"]:
        images[item["category_id"]].append(item["image_id"])
    return list(set().union(*(images[item["id"]] for item in found["categories"])))


def _others(listed: Sequence[int], ran: Sequence[int]) -> int:
    """Count the samples that are not at their place in the script's list."""
    return sum(place >= len(listed) or listed[place] != sample for place, sample in enumerate(ran))
