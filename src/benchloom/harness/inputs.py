"""The inputs of a run: the chosen model and backend, with the samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchloom.datasets.layouts.seam import layout_of
from benchloom.errors import InputError, LoomError
from benchloom.model.facts import Backend, Dataset, Model, Tensor


@dataclass(frozen=True)
class Samples:
    """The inputs of the network: one array per model input, each N x its shape; row i belongs to sample i."""

    tensors: tuple[NDArray[np.generic], ...]

    def __len__(self) -> int:
        return len(self.tensors[0])

    def first(self, count: int) -> "Samples":
        """Return the first ``count`` samples, as views."""
        return Samples(tuple(tensor[:count] for tensor in self.tensors))


@dataclass(frozen=True)
class Inputs:
    """The chosen model and backend with the samples (memory-mapped) and their labels (N).

    ``complete`` is the number of samples that the whole data set has (None if unknown); ``device`` is the device of the
    backend, ``model_digest`` the stated digest of the model file ('' if none), ``model_component`` the component that
    downloaded the file ('' if the user supplied it). For detectors, ``labels`` are ids of images, ``categories`` the
    ids of categories in the order of the annotations, and ``annotations`` (for classifiers: the label file) and
    ``images`` are that file and the folder of images; ``root`` is the folder of the data set and ``data`` its facts.
    ``missing`` are the names of images that were skipped because they are missing.
    """

    model: Model
    model_path: str
    backend: Backend
    dataset: str
    samples: Samples
    labels: NDArray[np.int64]
    complete: int | None = None
    device: str = "cpu"
    categories: tuple[int, ...] = ()
    annotations: Path = Path()
    images: Path = Path()
    model_digest: str = ""
    model_component: str = ""
    root: Path = Path()
    data: Dataset | None = None
    missing: tuple[str, ...] = ()

    def name_of(self, index: int) -> str:
        """Return the file name of a sample in the label file or annotations, for messages; else its number."""
        try:
            return self._names()[index]
        except (LoomError, OSError, IndexError):
            return f"sample {index}"

    def _names(self) -> Sequence[str]:
        if self.data is None:
            return ()
        return layout_of(self.data).sample_names(self.data, self.root, self.labels.tolist(), self.missing)


def check_samples(model: Model, samples: Samples) -> None:
    """Raise InputError if ``samples`` do not have the number, shapes and types in the model's facts."""
    if len(model.inputs) != len(samples.tensors):
        raise InputError(
            f"a sample has {len(samples.tensors)} tensors, the model expects {len(model.inputs)}",
            fix="check the model's inputs and its profile",
        )
    for wanted, tensor in zip(model.inputs, samples.tensors, strict=True):
        _check_tensor(wanted, tensor)


def _check_tensor(wanted: Tensor, samples: NDArray[np.generic]) -> None:
    fits = len(wanted.shape) == samples.ndim and all(
        isinstance(size, str) or size == samples.shape[axis] for axis, size in enumerate(wanted.shape) if axis
    )
    if wanted.shape and not fits:
        raise InputError(
            f"samples of shape {samples.shape[1:]} do not match the model's input {wanted.shape}",
            fix="check the model's profile",
        )
    if wanted.dtype and wanted.dtype != samples.dtype.name:
        raise InputError(
            f"samples of {samples.dtype.name} do not match the model's input of {wanted.dtype}",
            fix="check the model's profile",
        )
