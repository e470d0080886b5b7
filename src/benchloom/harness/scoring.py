"""Score the accuracy run, or say why it has no accuracy."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.harness.inputs import Inputs
from benchloom.harness.logs import read_details, read_predictions, top1
from benchloom.harness.official import official_scoring
from benchloom.model.record import Accuracy
from benchloom.rules.metrics import MEAN_AVERAGE_PRECISION

# Below this part of the published accuracy, something other than the network is wrong.
FAR_BELOW = 0.5
_GUESSED_MAP = 0.1


def score(place: Path, inputs: Inputs, folder: Path) -> tuple[Accuracy, tuple[str, ...]]:
    """Score the accuracy run whose logs lie in ``place``; of a detector, draw the first images with their boxes below ``folder``.

    Returns the accuracy with its reference, target and official command, and notes for a person. Raises ExecutionError if the
    log is incomplete, InputError if it holds labels that the data set has not.
    """
    accuracy, notes = _labels(place, inputs) if inputs.model.detections is None else _boxes(place, inputs, folder)
    details, official = read_details(place), official_scoring(inputs, place.relative_to(folder))
    scored = msgspec.structs.replace(
        accuracy,
        errors=tuple(details.errors),
        warnings=tuple(details.warnings),
        official_command=official.command,
        official_problem=official.problem,
    )
    return scored, notes


def _labels(place: Path, inputs: Inputs) -> tuple[Accuracy, tuple[str, ...]]:
    predictions = read_predictions(place, len(inputs.labels))
    _refuse_strange_labels(predictions, inputs)
    accuracy = _with_reference(top1(predictions, inputs.labels), inputs)
    guess = 2 / max(2, len(np.unique(inputs.labels)))
    return accuracy, far_below(accuracy, guess, lambda shift: float((predictions + shift == inputs.labels).mean()))


def _boxes(place: Path, inputs: Inputs, folder: Path) -> tuple[Accuracy, tuple[str, ...]]:
    # Late: pycocotools is needed, and there, only if boxes are scored.
    from benchloom.harness.detection import in_categories, mean_average_precision, read_detections
    from benchloom.harness.pictures import draw

    ids, logged = inputs.labels.tolist(), read_detections(place, inputs.labels.tolist())
    detections = in_categories(logged, inputs)
    draw(detections, ids, inputs, folder / "pictures")
    accuracy = _with_reference(mean_average_precision(detections, ids, inputs.annotations), inputs)

    def shifted(shift: int) -> float:
        return mean_average_precision(in_categories(logged, inputs, shift), ids, inputs.annotations).value or 0.0

    return accuracy, far_below(accuracy, _GUESSED_MAP, shifted)


def _with_reference(accuracy: Accuracy, inputs: Inputs) -> Accuracy:
    reference = inputs.model.reference
    if reference is None or reference.metric != accuracy.metric:
        return accuracy
    return msgspec.structs.replace(
        accuracy, reference=reference.value, reference_source=reference.source, target=reference.target
    )


def _refuse_strange_labels(predictions: NDArray[np.int64], inputs: Inputs) -> None:
    """Raise InputError for a predicted label beyond those of the data set: an output that nobody can be right about."""
    classes = inputs.model.classes
    if classes is None or not len(predictions):
        return
    highest = classes.count - classes.offset - 1
    strange = predictions[(predictions < -classes.offset) | (predictions > highest)]
    if len(strange):
        raise InputError(
            f"the model gives label {int(strange[0])}, its facts state labels {-classes.offset} to {highest}",
            where="model.classes",
            why=[f"{len(strange)} of {len(predictions)} responses lie outside"],
            fix="state how many outputs the file has, and how many of them precede the data set's label 0",
        )


def far_below(accuracy: Accuracy, guess: float, shifted: Callable[[int], float]) -> tuple[str, ...]:
    """Return what to say of an accuracy far below its reference, with the shift of labels that would explain it if one does.

    ``shifted`` returns the accuracy of the logged responses with a number added to each label. Without a reference,
    ``guess``, which an untrained network might reach, is the measure.
    """
    value, reference = accuracy.value, accuracy.reference
    if value is None or value >= (guess if reference is None else FAR_BELOW * reference):
        return ()
    found = []
    if reference is not None:
        found.append(
            f"accuracy {100 * value:.2f} % is far below the published {100 * reference:.2f} %: the files, labels or pre-processing do not "
            "belong together"
        )
    shifts = {shift: shifted(shift) for shift in (-1, 1)}
    best = max(shifts, key=lambda shift: shifts[shift])
    if shifts[best] > 2 * value + guess / 2:
        found.append(
            f"with 1 {'added to' if best > 0 else 'taken from'} each predicted label, accuracy would be {100 * shifts[best]:.2f} %: see "
            + (
                "model.detections.labels"
                if accuracy.metric == MEAN_AVERAGE_PRECISION.name
                else "classes.offset of the model"
            )
            + ", and whether the labels of the data set count from 0"
        )
    return tuple(found)
