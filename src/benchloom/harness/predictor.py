"""From sample indexes to labels with as little between LoadGen and the backend as possible."""

import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.harness.inputs import Inputs
from benchloom.harness.memory import let_go
from benchloom.harness.sut import Backend


class Predictor:
    """Runs batches of a contiguous sample array; the class offset and argmax are applied here, for every backend."""

    def __init__(self, backend: Backend, inputs: Inputs, batch_size: int) -> None:
        self.backend = backend
        self.batch_size = batch_size
        self._samples = np.ascontiguousarray(inputs.samples)
        classes = inputs.model.classes
        self._offset = classes.offset if classes else 0
        self._is_index = inputs.model.prediction == "index"
        # Numbers a sample that the model must give; None where nobody knows how many classes it has.
        self._numbers = 1 if self._is_index else classes.count if classes else None
        self._buffer = np.empty((batch_size, *self._samples.shape[1:]), self._samples.dtype)

    def labels(self, indexes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the predicted labels (float32, data set numbering) of at most ``batch_size`` samples.

        Raises InputError where the model gives another number of scores than its facts state.
        """
        output = self.backend.predict(self._batch(indexes))
        if self._numbers is not None and output.size != len(indexes) * self._numbers:
            raise self._misfit(output, len(indexes))
        classes = output.reshape(len(indexes)) if self._is_index else output.reshape(len(indexes), -1).argmax(axis=1)
        return (classes - self._offset).astype(np.float32)

    def _misfit(self, output: NDArray[np.generic], samples: int) -> InputError:
        wanted = "prediction 'index' takes one" if self._is_index else f"its facts state {self._numbers} classes"
        return InputError(
            f"the model's first output is {list(output.shape)} for {samples} samples, {wanted}",
            where="model.prediction, model.classes",
            fix="state what the file gives: 'argmax' and the number of its scores, or 'index'",
        )

    def touch(self, indexes: NDArray[np.int64]) -> None:
        """Read one byte of every page of these samples, so that they are in memory before they are timed."""
        flat = self._samples.reshape(len(self._samples), -1).view(np.uint8)
        for index in indexes:
            flat[index, ::4096].max()

    def forget(self, indexes: NDArray[np.int64]) -> None:
        """Let go of the memory of these samples, where they are mapped from a file."""
        let_go(self._samples, indexes)

    def _batch(self, indexes: NDArray[np.int64]) -> NDArray[np.generic]:
        first, size = int(indexes[0]), len(indexes)
        if size == 1 or (int(indexes[-1]) - first == size - 1 and bool(np.all(np.diff(indexes) == 1))):
            view: NDArray[np.generic] = self._samples[first : first + size]
            return view
        buffer = self._buffer[:size]
        np.take(self._samples, indexes, axis=0, out=buffer)
        return buffer
