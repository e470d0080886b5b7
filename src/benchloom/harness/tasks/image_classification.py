"""Image classification: a label for each image, scored by the fraction of correct ones.

In accuracy runs it is followed by the next best labels, if the model gives enough scores. MLPerf's scripts read only
the first number of a response (accuracy-imagenet.py, and verify_accuracy.py of TEST01).
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.harness.backends.seam import Outputs, Session
from benchloom.harness.inputs import Inputs
from benchloom.harness.logs import answers_of_all, read_records
from benchloom.harness.official import out_of_place
from benchloom.harness.predictor import Predictor
from benchloom.harness.prepared import Prepared, prepared_images
from benchloom.harness.tasks.seam import OfficialScoring, Score
from benchloom.model.facts import Classes, Model, Tensor
from benchloom.rules.metrics import TOP1, TOP5

_RANKS = 5  # labels of a response for TOP5


def used_outputs(model: Model) -> tuple[Tensor, ...]:
    """Return the first output: a graph may also output probabilities."""
    return model.outputs[:1]


def read_samples(folder: Path) -> Prepared:
    """Open images and their labels. Raises OSError or ValueError."""
    return prepared_images(folder)


def completed(inputs: Inputs, session: Session) -> Inputs:
    """Return ``inputs`` with the classes of a model without stated classes, from the scores of its first sample.

    If the number of scores equals the number of labels, they are these labels; one more means that the background comes
    first (as in CK's programs). Otherwise nothing is changed.
    """
    model = inputs.model
    if model.classes is not None or model.prediction != "argmax":
        return inputs
    first = [np.ascontiguousarray(tensor) for tensor in inputs.samples.first(1).tensors]
    found = int(session.run(first)[0].size)
    further = found - (inputs.data.classes if inputs.data else 0)
    if further not in {0, 1}:
        return inputs
    classes = Classes(count=found, offset=further)
    return dataclasses.replace(inputs, model=msgspec.structs.replace(model, classes=classes))


def refuse_unscorable(model: Model) -> None:
    """Raise InputError if the mapping of outputs to labels is unknown."""
    if model.classes is None:
        raise InputError(
            f"the facts of {model.name} do not state which output stands for which class",
            where="model.classes",
            why=[model.unpinned[name] for name in ("classes",) if name in model.unpinned],
            fix="measure its speed with --mode=performance, or state 'classes' in your own component",
        )


def predictor(session: Session, inputs: Inputs, batch_size: int) -> Predictor:
    """Return a ``Classifier``."""
    return Classifier(session, inputs, batch_size)


class Classifier(Predictor):
    """One number per sample: the label in the data set's numbering; in accuracy runs, the best labels. Class offset and argmax are applied here.

    NumPy is called as rarely as possible: with the caches evicted by the backend, a call takes twice as long as in a
    loop.
    """

    numbers = 1

    def __init__(self, session: Session, inputs: Inputs, batch_size: int) -> None:
        super().__init__(session, inputs, batch_size)
        classes = inputs.model.classes
        self._offset = classes.offset if classes else 0
        self._is_index = inputs.model.prediction == "index"
        # Required number of scores per sample; None if the number of classes is unknown.
        self._scores = 1 if self._is_index else classes.count if classes else None
        self._ones = [1] * batch_size
        self._labels = np.empty(batch_size, np.float32)
        self.place = self._labels.ctypes.data

    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the predicted labels (float32, data set numbering) of the samples, one per sample.

        Raises InputError if the number of scores differs from the facts.
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
        """Enable the check for finite scores, and return the best labels if there are more classes."""
        self._outputs = self._finite_scores  # type: ignore[method-assign]
        if not self._is_index and (self._scores or 0) > _RANKS:
            self.numbers = _RANKS
            self._best = np.empty((self.batch_size, _RANKS), np.float32)
            self.place = self._best.ctypes.data
            self.answers = self._best_labels  # type: ignore[method-assign]

    def _best_labels(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the best labels of each sample, best first; of equal scores the first wins, as in argmax."""
        output, size = self._outputs(indexes)[0], len(indexes)
        if output.size != size * (self._scores or 0):
            raise self._misfit(output, size)
        scores, labels, rows = output.reshape(size, -1).astype(np.float64), self._best[:size], np.arange(size)
        for rank in range(_RANKS):  # faster than sorting a thousand scores
            labels[:, rank] = found = scores.argmax(axis=1)
            scores[rows, found] = -np.inf
        labels -= self._offset
        return labels.reshape(-1), [_RANKS] * size

    def _finite_scores(self, indexes: Sequence[int]) -> Outputs:
        outputs = self.session.run(self._batch(indexes))
        if outputs[0].dtype.kind == "f" and not np.isfinite(outputs[0]).all() and not outputs[0].size % len(indexes):
            self._refuse_unless_finite(list(outputs[0].reshape(len(indexes), -1)), indexes)
        return outputs

    def _misfit(self, output: NDArray[np.generic], samples: int) -> InputError:
        wanted = "prediction 'index' requires one" if self._is_index else f"its facts state {self._scores} classes"
        return InputError(
            f"the model's first output is {list(output.shape)} for {samples} samples, {wanted}",
            where="model.prediction, model.classes",
            fix="state the output of the file: 'argmax' and the number of its scores, or 'index'",
        )


# -- the score


def score(place: Path, inputs: Inputs, folder: Path) -> Score:
    """Return top-1 and top-5 accuracy; nothing is drawn.

    The first equals MLPerf's accuracy-imagenet.py with ``--dtype float32``: good / total over distinct indexes, by the
    first number of each response.
    """
    labels = inputs.labels
    records = answers_of_all(read_records(place), len(labels), place)
    predictions = _first_labels(records)
    _refuse_strange_labels(predictions, inputs.model)
    correct = int((predictions == labels).sum())
    return Score(
        metric=TOP1.name,
        values={TOP1.name: correct / len(labels), **_among_best(records, labels)},
        total=len(labels),
        correct=correct,
        chance=2 / max(2, len(np.unique(labels))),
        shifted=lambda shift: float((predictions + shift == labels).mean()),
        labels_key="classes.offset of the model",
    )


def read_predictions(folder: Path, total: int) -> NDArray[np.int64]:
    """Return the predicted labels (N) of the accuracy run in ``folder``, in QSL order.

    Raises ExecutionError if some are missing.
    """
    return _first_labels(answers_of_all(read_records(folder), total, folder))


def _first_labels(records: Sequence[NDArray[np.float32]]) -> NDArray[np.int64]:
    return np.array([int(record[0]) for record in records], np.int64)


def _among_best(records: Sequence[NDArray[np.float32]], labels: NDArray[np.int64]) -> dict[str, float]:
    """Return the fraction of samples whose label is among the best ones; nothing if a response has fewer."""
    if any(len(record) < _RANKS for record in records):
        return {}
    best = np.stack([record[:_RANKS] for record in records])
    return {TOP5.name: float((best == labels[:, np.newaxis]).any(axis=1).mean())}


def _refuse_strange_labels(predictions: NDArray[np.int64], model: Model) -> None:
    """Raise InputError for a predicted label outside the range of the data set."""
    classes = model.classes
    if classes is None or not len(predictions):
        return
    highest = classes.count - classes.offset - 1
    strange = predictions[(predictions < -classes.offset) | (predictions > highest)]
    if len(strange):
        raise InputError(
            f"the model gives label {int(strange[0])}, its facts state labels {-classes.offset} to {highest}",
            where="model.classes",
            why=[f"{len(strange)} of {len(predictions)} responses are outside"],
            fix="state the number of outputs of the file, and how many of them precede the data set's label 0",
        )


def official_scoring(inputs: Inputs, log: str) -> OfficialScoring:
    """Return the command of accuracy-imagenet.py, and why its figure may differ."""
    if not inputs.annotations.is_file():
        return OfficialScoring(problem="the script reads labels from a file, but this data set has none")
    file = str(inputs.annotations)
    command = ("accuracy-imagenet.py", "--mlperf-accuracy-file", log, "--imagenet-val-file", file, "--dtype", "float32")
    try:
        with inputs.annotations.open(encoding="utf-8") as lines:
            labels = [int(line.split()[1]) for line in lines]
    except (IndexError, ValueError):
        return OfficialScoring(
            command, "the script cannot read every line of the label file: it accepts NAME LABEL without empty lines"
        )
    ran = inputs.labels.tolist()
    others = out_of_place(labels, ran)
    return OfficialScoring(
        command, f"the script reads a different label for {others} of {len(ran)} samples" if others else ""
    )
