"""Predict responses for sample indexes with minimal overhead between LoadGen and the backend; shared by all tasks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchloom.errors import ExecutionError
from benchloom.harness.backends.seam import Batch, Outputs, Session
from benchloom.harness.inputs import Inputs
from benchloom.harness.memory import let_go


class Predictor(ABC):
    """Runs batches of contiguous sample arrays on any backend, and converts outputs to responses for LoadGen.

    ``place`` is the address of the responses that the last call of ``answers`` returned. ``numbers`` is the fixed
    number of values per response, if known in advance; ``place`` is then constant as well.
    """

    place: int
    numbers: int | None = None

    def __init__(self, session: Session, inputs: Inputs, batch_size: int) -> None:
        self.session = session
        self.batch_size = batch_size
        self._inputs = inputs
        self._tensors = [np.ascontiguousarray(tensor) for tensor in inputs.samples.tensors]
        buffers = [np.empty((batch_size, *tensor.shape[1:]), tensor.dtype) for tensor in self._tensors]
        self._gathered = list(zip(self._tensors, buffers, strict=True))

    @abstractmethod
    def answers(self, indexes: Sequence[int]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Return the responses of at most ``batch_size`` samples, concatenated, and the number of values of each.

        ``indexes`` are those of the data set, each less than its size. They may be overwritten by the next call. Raises
        InputError if the model's outputs contradict its facts.
        """

    @abstractmethod
    def check_responses(self) -> None:
        """Enable the check for NaN and infinite values in scored outputs; used in accuracy runs only, since it takes time."""

    def _refuse_unless_finite(self, values: Sequence[NDArray[np.generic]], indexes: Sequence[int]) -> None:
        """Raise ExecutionError naming the first sample of ``indexes`` whose ``values`` are not all finite."""
        for index, found in zip(indexes, values, strict=True):
            if not (is_finite := np.isfinite(found)).all():
                raise ExecutionError(
                    f"the model's output for {self._inputs.name_of(index)} is not a number",
                    where=f"sample {index}",
                    why=[f"{int((~is_finite).sum())} of {found.size} values are NaN or infinite"],
                    fix="check the model file and its pre-processing: such outputs cannot be scored",
                )

    def touch(self, indexes: NDArray[np.int64]) -> None:
        """Read one byte of every page of these samples, so that they are in memory before they are timed."""
        for tensor in self._tensors:
            flat = tensor.reshape(len(tensor), -1).view(np.uint8)
            for index in indexes:
                flat[index, ::4096].max()

    def forget(self, indexes: NDArray[np.int64]) -> None:
        """Release the memory of these samples if they are mapped from a file."""
        for tensor in self._tensors:
            let_go(tensor, indexes)

    def _outputs(self, indexes: Sequence[int]) -> Outputs:
        return self.session.run(self._batch(indexes))

    def _batch(self, indexes: Sequence[int]) -> Batch:
        first, size = indexes[0], len(indexes)
        batch = []  # loops, since the frame of a comprehension takes longer than its work
        if size == 1 or (indexes[-1] - first == size - 1 and list(indexes) == list(range(first, first + size))):
            for tensor in self._tensors:
                batch.append(tensor[first : first + size])  # noqa: PERF401 - see above
            return batch
        for tensor, buffer in self._gathered:
            gathered = buffer[:size]
            # "clip", since NumPy otherwise uses a temporary array, in case an index is out of range.
            np.take(tensor, indexes, axis=0, out=gathered, mode="clip")
            batch.append(gathered)
        return batch
