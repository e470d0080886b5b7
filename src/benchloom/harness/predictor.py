"""From sample indexes to answers with as little between LoadGen and the backend as possible."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.harness.inputs import Inputs
from benchloom.harness.memory import let_go
from benchloom.harness.sut import Backend, Outputs

# Numbers in the record of one box: QSL index, ymin, xmin, ymax, xmax (fractions of the image), score, category id
# (MLPerf reference: coco.py, and what accuracy-coco.py reads).
BOX = 7


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
        self._samples = np.ascontiguousarray(inputs.samples)
        self._buffer = np.empty((batch_size, *self._samples.shape[1:]), self._samples.dtype)

    @abstractmethod
    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the records of at most ``batch_size`` samples, one after the other, and how many numbers each has.

        ``indexes`` are those of the data set, each less than its size. The records may be overwritten by the next call.
        Raises InputError where the model gives something else than its facts state.
        """

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
        self._categories = np.array(inputs.categories, np.float32)

    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the boxes of the samples."""
        outputs = self._outputs(indexes)
        boxes, labels, scores = (self._of(outputs, name, len(indexes)) for name in ("boxes", "labels", "scores"))
        counts = self._of(outputs, "count", len(indexes)) if "count" in self._places else None
        records = [
            self._record(index, boxes[i], labels[i], scores[i], None if counts is None else int(counts.reshape(-1)[i]))
            for i, index in enumerate(indexes)
        ]
        self._records = np.concatenate(records)
        self.place = self._records.ctypes.data
        return self._records, [len(item) for item in records]

    def _of(self, outputs: Outputs, meaning: str, samples: int) -> NDArray[np.generic]:
        found = outputs[self._places[meaning]]
        # A network for one sample at a time may leave the batch out.
        if samples == 1 and found.ndim == (2 if meaning == "boxes" else 1) and meaning != "count":
            found = found[np.newaxis]
        if meaning != "count" and (len(found) != samples or (meaning == "boxes" and found.shape[-1] != 4)):
            raise InputError(
                f"the model's {meaning} are {list(found.shape)} for {samples} samples",
                where="model.outputs",
                fix="state the outputs in the order in which the network gives them, and the batch that it takes",
            )
        return found

    def _record(
        self,
        index: int,
        boxes: NDArray[np.generic],
        labels: NDArray[np.generic],
        scores: NDArray[np.generic],
        count: int | None,
    ) -> NDArray[np.float32]:
        below = np.flatnonzero(np.less(scores[:count], self._facts.threshold))
        kept = int(below[0]) if len(below) else len(scores[:count])
        record = np.empty((kept, BOX), np.float32)
        record[:, 0] = index
        record[:, 1:5] = boxes[:kept, self._corners]
        if self._facts.scale != 1:
            record[:, 1:5] /= self._facts.scale
        record[:, 5] = scores[:kept]
        record[:, 6] = labels[:kept] if self._facts.labels == "category" else self._named(labels[:kept])
        return record.reshape(-1)

    def _named(self, labels: NDArray[np.generic]) -> NDArray[np.float32]:
        places = labels.astype(np.int64) - 1
        if len(places) and not (places.min() >= 0 and places.max() < len(self._categories)):
            raise InputError(
                f"the model gives label {int(places.max()) + 1}, the data set has {len(self._categories)} categories",
                where="model.detections.labels",
                fix="state 'category' where labels are category ids, and 'index' where they count categories from 1",
            )
        return self._categories[places]


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
