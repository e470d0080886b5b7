"""Object detection: boxes with a label and a score for each image, scored by mean average precision.

Boxes are scored by pycocotools (``harness.detection``), which is imported only then.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchloom.datasets.layouts.coco import annotation_bytes, counts_categories, refuse_other_order
from benchloom.errors import InputError
from benchloom.harness.backends.seam import Outputs, Session
from benchloom.harness.inputs import Inputs
from benchloom.harness.official import out_of_place
from benchloom.harness.predictor import Predictor
from benchloom.harness.prepared import CATEGORIES, Prepared, prepared_images
from benchloom.harness.tasks.seam import OfficialScoring, Score
from benchloom.model.facts import Model, Tensor
from benchloom.rules.metrics import MEAN_AVERAGE_PRECISION

# Numbers in the response of one box: QSL index, ymin, xmin, ymax, xmax (fractions of the image), score, label as the model gives it
# (MLPerf reference: coco.py, and what accuracy-coco.py reads).
BOX = 7
_GUESSED_MAP = 0.1
_ROUNDING = 1e-5  # of probabilities and fractions computed in floats
_NO_BOX = -1  # the score of an unused slot, with which some graphs pad the list
_BEYOND = 3  # in image sizes: most boxes end before that, even without clipping
_COCO_FILE = Path("annotations", "instances_val2017.json")  # below --coco-dir
_Annotations: TypeAlias = dict[str, list[dict[str, int]]]
_INVERSE_MAP, _ONLY_WITH_OBJECTS = "--use-inv-map", "--remove-48-empty-images"


def used_outputs(model: Model) -> tuple[Tensor, ...]:
    """Return all outputs."""
    return model.outputs


def read_samples(folder: Path) -> Prepared:
    """Open images, their ids, and the ids of the categories. Raises OSError or ValueError."""
    categories = np.load(folder / CATEGORIES)
    return prepared_images(folder)._replace(categories=tuple(int(item) for item in categories))


def completed(inputs: Inputs, session: Session) -> Inputs:
    """Return ``inputs``: the meaning of boxes cannot be derived from a network."""
    return inputs


def refuse_unscorable(model: Model) -> None:
    """Refuse nothing: without facts about its boxes there is no predictor."""


def predictor(session: Session, inputs: Inputs, batch_size: int) -> Predictor:
    """Return a ``Detector``. Raises InputError if the facts do not state how boxes are read."""
    return Detector(session, inputs, batch_size)


class Detector(Predictor):
    """``BOX`` numbers for each box of a sample, in the order of the model's scores, up to the first below the threshold."""

    def __init__(self, session: Session, inputs: Inputs, batch_size: int) -> None:
        super().__init__(session, inputs, batch_size)
        facts = inputs.model.detections
        if facts is None:
            raise InputError(
                f"the facts of {inputs.model.name} do not state how its boxes are read",
                where="model.detections",
                fix="add a 'detections' block to the component",
            )
        self._facts = facts
        self._places = {item.meaning: place for place, item in enumerate(inputs.model.outputs)}
        if missing := sorted({"boxes", "labels", "scores"} - set(self._places)):
            raise InputError(
                f"no output of {inputs.model.name} is its {' or '.join(missing)}",
                where="model.outputs",
                fix="state the 'meaning' of each output: boxes, labels, scores or count",
            )
        self._corners = [0, 1, 2, 3] if facts.order == "yxyx" else [1, 0, 3, 2]
        refuse_other_order(inputs.model, inputs.categories, inputs.dataset)
        self._is_sound = False  # until the outputs of a sample with detections have been looked at
        self._is_checked = False

    def check_responses(self) -> None:
        """Enable the check for finite boxes, scores and labels; unused slots of a sample are ignored."""
        self._is_checked = True

    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the boxes of the samples.

        Raises InputError if the outputs contradict the facts: for the first sample with a detection, scores must be
        probabilities, labels whole numbers, and boxes in the stated unit.
        """
        outputs, size = self._outputs(indexes), len(indexes)
        boxes, labels, scores = (self._of(outputs, name, size) for name in ("boxes", "labels", "scores"))
        if not boxes.shape[:2] == labels.shape == scores.shape:
            found = (
                f"{name} {list(item.shape)}"
                for name, item in (("boxes", boxes), ("labels", labels), ("scores", scores))
            )
            raise self._misfit(f"outputs are inconsistent: {', '.join(found)}")
        counted = [scores[i, :count] for i, count in enumerate(self._counts(outputs, size, boxes.shape[1]))]
        records = [self._record(index, boxes[i], labels[i], counted[i]) for i, index in enumerate(indexes)]
        if self._is_checked or not self._is_sound:
            self._refuse_unless_finite(records, indexes)
        self._records = np.concatenate(records)
        if not self._is_sound:
            self._check(np.concatenate(counted))
        self.place = self._records.ctypes.data
        return self._records, [len(item) for item in records]

    def _of(self, outputs: Outputs, meaning: str, samples: int) -> NDArray[Any]:
        found, axes = outputs[self._places[meaning]], 3 if meaning == "boxes" else 2
        # A network for one sample at a time may omit the batch dimension.
        if samples == 1 and found.ndim == axes - 1:
            found = found[np.newaxis]
        if len(found) != samples or found.ndim != axes or (meaning == "boxes" and found.shape[-1] != 4):
            raise self._misfit(f"{meaning} are {list(found.shape)} for {samples} samples")
        return found

    def _counts(self, outputs: Outputs, samples: int, most: int) -> Sequence[int]:
        """Return how many of the ``most`` boxes of each sample are valid."""
        if "count" not in self._places:
            return [most] * samples
        counts: NDArray[Any] = outputs[self._places["count"]].reshape(-1)
        if len(counts) != samples or not ((counts >= 0) & (counts <= most)).all():
            raise self._misfit(f"counts of boxes are {counts[:4].tolist()} for {samples} samples of {most} boxes")
        return [int(count) for count in counts]

    def _misfit(self, problem: str) -> InputError:
        return InputError(
            f"the model's {problem}",
            where="model.outputs",
            fix="state the outputs in the order of the network, and its batch size",
        )

    def _record(
        self, index: int, boxes: NDArray[Any], labels: NDArray[Any], scores: NDArray[Any]
    ) -> NDArray[np.float32]:
        below = np.flatnonzero(np.less(scores, self._facts.threshold))
        kept = int(below[0]) if len(below) else len(scores)
        record = np.empty((kept, BOX), np.float32)
        record[:, 0] = index
        record[:, 1:5] = boxes[:kept, self._corners]
        if self._facts.scale != 1:
            record[:, 1:5] /= self._facts.scale
        record[:, 5] = scores[:kept]
        record[:, 6] = labels[:kept]
        return record.reshape(-1)

    def _check(self, scores: NDArray[Any]) -> None:
        """Refuse outputs that are swapped, or contradict the facts.

        ``scores`` are those of all valid boxes, including those below the threshold.
        """
        record = self._records.reshape(-1, BOX)
        boxes = np.abs(record[record[:, 5] > 0, 1:5]).max(axis=1, initial=0) * self._facts.scale
        boxes = boxes[boxes > 0]
        if problem := _no_probabilities(scores) or _no_labels(record[:, 6]) or _other_unit(boxes, self._facts.scale):
            raise InputError(
                "the outputs of the detector contradict its facts",
                where="model.outputs, model.detections",
                why=[problem],
                fix="state the outputs in the order, with the meaning and in the unit of the network",
            )
        self._is_sound = bool(len(boxes))


def _no_probabilities(scores: NDArray[Any]) -> str:
    strange = (scores > 1 + _ROUNDING) | ((scores < 0) & (scores != _NO_BOX))
    if scores.dtype.kind == "f" and not strange.any():
        return ""
    return f"its scores range from {np.nanmin(scores):g} to {np.nanmax(scores):g}, probabilities are between 0 and 1"


def _no_labels(labels: NDArray[np.float32]) -> str:
    if ((np.rint(labels) == labels) & (labels >= 0)).all():
        return ""
    return f"its labels range from {labels.min():g} to {labels.max():g}and are not all non-negative whole numbers"


def _other_unit(furthest: NDArray[Any], scale: float) -> str:
    """Return a sentence if boxes, judged by their coordinates furthest from 0, cannot be in the unit that ``scale`` states."""
    if not len(furthest):
        return ""
    reach = f"its boxes extend to {furthest.max():g}"
    if np.median(furthest) > _BEYOND * scale:
        return f"{reach}, the facts state {'fractions of the image' if scale == 1 else f'coordinates up to {scale:g}'}"
    if scale > 1 and furthest.max() <= 1 + _ROUNDING:
        return f"{reach}, so they are fractions of the image; the facts state coordinates up to {scale:g}"
    return ""


# -- the score


def score(place: Path, inputs: Inputs, folder: Path) -> Score:
    """Return the mean average precision, and draw the first images with their boxes below ``folder``."""
    # Late: pycocotools is installed and needed only if boxes are scored.
    from benchloom.harness.detection import in_categories, mean_average_precision, read_detections
    from benchloom.harness.detection_images import draw

    ids = inputs.labels.tolist()
    logged = read_detections(place, ids)
    detections = in_categories(logged, inputs)
    draw(detections, ids, inputs, folder / "pictures")
    found = mean_average_precision(detections, ids, inputs.annotations)

    def shifted(shift: int) -> float:
        return mean_average_precision(in_categories(logged, inputs, shift), ids, inputs.annotations) or 0.0

    return Score(
        metric=MEAN_AVERAGE_PRECISION.name,
        values={} if found is None else {MEAN_AVERAGE_PRECISION.name: found},
        total=len(ids),
        problem="" if found is not None else f"the {len(ids)} images have no annotated objects",
        chance=_GUESSED_MAP,
        shifted=shifted,
        labels_key="model.detections.labels",
    )


def official_scoring(inputs: Inputs, log: str) -> OfficialScoring:
    """Return the command of accuracy-coco.py, and why its figure may differ."""
    if inputs.annotations != inputs.root / _COCO_FILE:
        return OfficialScoring(problem=f"the script reads {_COCO_FILE} of a data set, but this one has none")
    found = json.loads(annotation_bytes(inputs.annotations))
    ran, listed = inputs.labels.tolist(), [image["id"] for image in found["images"]]
    options = [_INVERSE_MAP] if counts_categories(inputs.model) else []
    if _leaves_out_images_without_objects(listed, ran, found):
        options, listed = [*options, _ONLY_WITH_OBJECTS], _with_objects(found)
    command = ("accuracy-coco.py", "--mlperf-accuracy-file", log, "--coco-dir", str(inputs.root), *options)
    if not all("iscrowd" in item and "area" in item for item in found["annotations"]):
        return OfficialScoring(command, "the script needs iscrowd and area of every object, but not all have them")
    others = out_of_place(listed, ran)
    return OfficialScoring(
        command,
        f"the script compares {others} of {len(ran)} samples with the objects of another image" if others else "",
    )


def _leaves_out_images_without_objects(listed: Sequence[int], ran: Sequence[int], found: _Annotations) -> bool:
    """Tell whether the run skipped all images without objects."""
    annotated = {item["image_id"] for item in found["annotations"]}
    places = {image: place for place, image in enumerate(listed)}
    passed_over = set(listed[: max(places[image] for image in ran)]) - set(ran)
    return annotated.issuperset(ran) and not annotated.issuperset(passed_over)


def _with_objects(found: _Annotations) -> list[int]:
    """Return the images with objects in the order of the script: a Python set filled category by category."""
    images = defaultdict(list)
    for item in found["annotations"]:
        images[item["category_id"]].append(item["image_id"])
    return list(set().union(*(images[item["id"]] for item in found["categories"])))
