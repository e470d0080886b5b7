"""From sample indexes to answers with as little between LoadGen and the backend as possible."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import ExecutionError, InputError
from benchloom.harness.inputs import Inputs
from benchloom.harness.memory import let_go
from benchloom.harness.sut import Backend, Outputs
from benchloom.model.annotations import refuse_other_order
from benchloom.model.facts import Classes

# Numbers in the response of one box: QSL index, ymin, xmin, ymax, xmax (fractions of the image), score, label as the model gives it
# (MLPerf reference: coco.py, and what accuracy-coco.py reads).
BOX = 7
_ROUNDING = 1e-5  # of probabilities and fractions that a network computes in floats
_NO_BOX = -1  # the score of an empty place, as some graphs fill the list up
_BEYOND = 3  # sides of the image: most boxes end before that, even of a network that does not clip them


class Predictor(ABC):
    """Runs batches of a contiguous sample array, and turns what comes out into LoadGen's records, for every backend.

    ``place`` is the address of the records that the last call of ``answers`` returned. ``numbers`` says how many numbers the record of
    every sample has, where that is known before it is run; then ``place`` stays the same, too.
    """

    place: int
    numbers: int | None = None

    def __init__(self, backend: Backend, inputs: Inputs, batch_size: int) -> None:
        self.backend = backend
        self.batch_size = batch_size
        self._inputs = inputs
        self._samples = np.ascontiguousarray(inputs.samples)
        self._buffer = np.empty((batch_size, *self._samples.shape[1:]), self._samples.dtype)

    @abstractmethod
    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the records of at most ``batch_size`` samples, one after the other, and how many numbers each has.

        ``indexes`` are those of the data set, each less than its size. The records may be overwritten by the next call.
        Raises InputError where the model gives something else than its facts state.
        """

    @abstractmethod
    def check_responses(self) -> None:
        """From now on, refuse what would be scored and is NaN or infinite. Accuracy runs ask for it; timed ones do not pay."""

    def _refuse_unless_finite(self, values: Sequence[NDArray[np.generic]], indexes: Sequence[int]) -> None:
        """Raise ExecutionError naming the first of the samples ``indexes`` whose ``values`` are not all finite."""
        for index, found in zip(indexes, values, strict=True):
            if not (is_finite := np.isfinite(found)).all():
                raise ExecutionError(
                    f"the model's output for {self._inputs.name_of(index)} is not a number",
                    where=f"sample {index}",
                    why=[f"{int((~is_finite).sum())} of {found.size} values are NaN or infinite"],
                    fix="check the file of the model and its pre-processing: such outputs cannot be scored",
                )

    def touch(self, indexes: NDArray[np.int64]) -> None:
        """Read one byte of every page of these samples, so that they are in memory before they are timed."""
        flat = self._samples.reshape(len(self._samples), -1).view(np.uint8)
        for index in indexes:
            flat[index, ::4096].max()

    def forget(self, indexes: NDArray[np.int64]) -> None:
        """Let go of the memory of these samples, where they are mapped from a file."""
        let_go(self._samples, indexes)

    def _outputs(self, indexes: Sequence[int]) -> Outputs:
        return self.backend.predict(self._batch(indexes))

    def _batch(self, indexes: Sequence[int]) -> NDArray[np.generic]:
        first, size = indexes[0], len(indexes)
        if size == 1 or (indexes[-1] - first == size - 1 and list(indexes) == list(range(first, first + size))):
            view: NDArray[np.generic] = self._samples[first : first + size]
            return view
        buffer = self._buffer[:size]
        # "clip", since NumPy fills an array of its own first and copies that where an index might have to be refused.
        np.take(self._samples, indexes, axis=0, out=buffer, mode="clip")
        return buffer


class Classifier(Predictor):
    """One number a sample: the label in the data set's numbering. Class offset and argmax are applied here.

    NumPy is called as rarely as can be: after the backend has used the caches, a call takes twice what it takes in a loop.
    """

    numbers = 1

    def __init__(self, backend: Backend, inputs: Inputs, batch_size: int) -> None:
        super().__init__(backend, inputs, batch_size)
        classes = inputs.model.classes
        self._offset = classes.offset if classes else 0
        self._is_index = inputs.model.prediction == "index"
        # Scores of a sample that the model must give; None where nobody knows how many classes it has.
        self._scores = 1 if self._is_index else classes.count if classes else None
        self._ones = [1] * batch_size
        self._labels = np.empty(batch_size, np.float32)
        self.place = self._labels.ctypes.data

    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the predicted labels (float32, data set numbering) of the samples, one a sample.

        Raises InputError where the model gives another number of scores than its facts state.
        """
        output, size = self._outputs(indexes)[0], len(indexes)
        if self._scores is not None and output.size != size * self._scores:
            raise self._misfit(output, size)
        if size == 1 and not self._is_index:
            self._labels[0] = int(output.argmax()) - self._offset
        else:
            classes = output.reshape(size) if self._is_index else output.reshape(size, -1).argmax(axis=1)
            np.subtract(classes, self._offset, out=self._labels[:size], casting="unsafe")
        return self._labels[:size], self._ones[:size]

    def check_responses(self) -> None:
        """From now on, refuse scores that are not all finite."""
        self._outputs = self._finite_scores  # type: ignore[method-assign]

    def _finite_scores(self, indexes: Sequence[int]) -> Outputs:
        outputs = self.backend.predict(self._batch(indexes))
        if outputs[0].dtype.kind == "f" and not np.isfinite(outputs[0]).all() and not outputs[0].size % len(indexes):
            self._refuse_unless_finite(list(outputs[0].reshape(len(indexes), -1)), indexes)
        return outputs

    def _misfit(self, output: NDArray[np.generic], samples: int) -> InputError:
        wanted = "prediction 'index' takes one" if self._is_index else f"its facts state {self._scores} classes"
        return InputError(
            f"the model's first output is {list(output.shape)} for {samples} samples, {wanted}",
            where="model.prediction, model.classes",
            fix="state what the file gives: 'argmax' and the number of its scores, or 'index'",
        )


class Detector(Predictor):
    """``BOX`` numbers for each box of a sample, in the order of the model's scores, up to the first below the threshold."""

    def __init__(self, backend: Backend, inputs: Inputs, batch_size: int) -> None:
        super().__init__(backend, inputs, batch_size)
        facts = inputs.model.detections
        assert facts is not None
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
        """From now on, refuse boxes, scores and labels that are not finite.

        What lies beyond the detections of a sample may be anything.
        """
        self._is_checked = True

    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the boxes of the samples.

        Raises InputError if the outputs are not what the facts say: of the first sample with a detection, scores must be
        probabilities, labels whole numbers, and boxes of the unit stated.
        """
        outputs, size = self._outputs(indexes), len(indexes)
        boxes, labels, scores = (self._of(outputs, name, size) for name in ("boxes", "labels", "scores"))
        if not boxes.shape[:2] == labels.shape == scores.shape:
            found = (
                f"{name} {list(item.shape)}"
                for name, item in (("boxes", boxes), ("labels", labels), ("scores", scores))
            )
            raise self._misfit(f"outputs do not belong together: {', '.join(found)}")
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
        # A network for one sample at a time may leave the batch out.
        if samples == 1 and found.ndim == axes - 1:
            found = found[np.newaxis]
        if len(found) != samples or found.ndim != axes or (meaning == "boxes" and found.shape[-1] != 4):
            raise self._misfit(f"{meaning} are {list(found.shape)} for {samples} samples")
        return found

    def _counts(self, outputs: Outputs, samples: int, most: int) -> Sequence[int]:
        """Return how many of the ``most`` boxes of each sample mean something."""
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
            fix="state the outputs in the order in which the network gives them, and the batch that it takes",
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
        """Refuse outputs that were exchanged, or mean something else than the facts state.

        ``scores`` are those of all boxes that count, also below the threshold.
        """
        record = self._records.reshape(-1, BOX)
        boxes = np.abs(record[record[:, 5] > 0, 1:5]).max(axis=1, initial=0) * self._facts.scale
        boxes = boxes[boxes > 0]
        if problem := _no_probabilities(scores) or _no_labels(record[:, 6]) or _other_unit(boxes, self._facts.scale):
            raise InputError(
                "the outputs of the detector are not what its facts state",
                where="model.outputs, model.detections",
                why=[problem],
                fix="state the outputs in the order, with the meaning and in the unit in which the network gives them",
            )
        self._is_sound = bool(len(boxes))


def _no_probabilities(scores: NDArray[Any]) -> str:
    strange = (scores > 1 + _ROUNDING) | ((scores < 0) & (scores != _NO_BOX))
    if scores.dtype.kind == "f" and not strange.any():
        return ""
    return f"its scores reach from {np.nanmin(scores):g} to {np.nanmax(scores):g}, probabilities lie between 0 and 1"


def _no_labels(labels: NDArray[np.float32]) -> str:
    if ((np.rint(labels) == labels) & (labels >= 0)).all():
        return ""
    return f"its labels reach from {labels.min():g} to {labels.max():g}, and are not all whole numbers from 0"


def _other_unit(furthest: NDArray[Any], scale: float) -> str:
    """Say if boxes, by the coordinate of each that is furthest from 0, cannot be of the unit that ``scale`` states."""
    if not len(furthest):
        return ""
    reach = f"its boxes reach to {furthest.max():g}"
    if np.median(furthest) > _BEYOND * scale:
        return f"{reach}, the facts state {'fractions of the image' if scale == 1 else f'coordinates up to {scale:g}'}"
    if scale > 1 and furthest.max() <= 1 + _ROUNDING:
        return f"{reach}, so they are fractions of the image; the facts state coordinates up to {scale:g}"
    return ""


def with_classes(inputs: Inputs, backend: Backend) -> Inputs:
    """Return ``inputs`` with the classes of a classifier whose facts do not state them, from the scores of its first sample.

    As many scores as the data set has labels are those labels; one more has the background first (as CK's programs take
    it). Of another number nothing is known, and nothing is changed.
    """
    model = inputs.model
    if model.task != "image-classification" or model.classes is not None or model.prediction != "argmax":
        return inputs
    found = int(backend.predict(np.ascontiguousarray(inputs.samples[:1]))[0].size)
    further = found - (inputs.data.classes if inputs.data else 0)
    if further not in {0, 1}:
        return inputs
    classes = Classes(count=found, offset=further)
    return dataclasses.replace(inputs, model=msgspec.structs.replace(model, classes=classes))


def predictor_for(backend: Backend, inputs: Inputs, batch_size: int) -> Predictor:
    """Return the predictor for the model's task. Raises InputError where its facts do not say how to read its outputs."""
    if inputs.model.task == "image-classification":
        return Classifier(backend, inputs, batch_size)
    if inputs.model.detections is None:
        raise InputError(
            f"the facts of {inputs.model.name} do not say how its boxes are read",
            where="model.detections",
            fix="add a 'detections' block to the component",
        )
    return Detector(backend, inputs, batch_size)
