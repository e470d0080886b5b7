"""The protocol every backend keeps, and how one is opened by name."""

import importlib
from typing import TYPE_CHECKING, Protocol, TypeAlias

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.model.facts import Model, Tensor
from benchloom.model.file_kinds import no_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

BACKENDS = ("onnxruntime", "pytorch", "tensorflow", "tflite")


Outputs: TypeAlias = "Sequence[NDArray[np.generic]]"


def used_outputs(model: Model) -> tuple[Tensor, ...]:
    """Return the outputs that count: the first one of a classifier, every one of a detector."""
    return model.outputs[:1] if model.detections is None else model.outputs


class Backend(Protocol):
    """A loaded network. ``version`` is the runtime library's, ``max_batch`` the largest batch that the file takes (None: any)."""

    name: str
    version: str
    max_batch: int | None

    def predict(self, batch: "NDArray[np.generic]") -> "Outputs":
        """Return the used outputs for ``batch`` (N x the model's input shape); row i of each belongs to sample i."""

    def settings(self) -> dict[str, str | int | float | bool | None]:
        """Return what was set on the runtime, for the record."""


def fixed_batch(sizes: "Sequence[int]", path: str) -> int | None:
    """Return the batch that a file is made for by the sizes of its input (-1 is free): one, or None for any.

    Raises InputError for another fixed batch: LoadGen's queries do not come in such portions.
    """
    if not sizes or sizes[0] < 1:
        return None
    if sizes[0] > 1:
        raise InputError(
            f"the file takes batches of exactly {sizes[0]}",
            where=path,
            fix="export it with a free batch, or with a batch of one",
        )
    return 1


def open_backend(name: str, model: Model, path: str, threads: int, device: str = "cpu", origin: str = "") -> Backend:
    """Load ``path`` with the backend ``name`` on ``device``; ``origin`` says where the file came from.

    Raises InputError for an unknown name and what loading raises; of a file that is no model it says what it appears to be.
    """
    if name not in BACKENDS:
        raise InputError(
            f"no backend is called {name!r}",
            where="LOOM_BACKEND",
            fix=did_you_mean(name, BACKENDS) or f"known: {', '.join(BACKENDS)}",
        )
    module = importlib.import_module(f"benchloom.harness.backends.{name}")
    try:
        backend: Backend = module.load(model, path, threads, device)
    except InputError as error:
        if error.where != path or not (what := no_model(path)):
            raise
        why = [
            *what,
            *([f"it is the file of {origin}"] if origin else []),
            *(item for item in error.why if item not in what),
        ]
        fix = "fetch it again (loom gc removes what nothing uses), or name another source"
        raise InputError(error.what, where=path, why=why, fix=fix) from error
    return backend


def no_device(device: str, backend: str, why: str) -> InputError:
    """Return the error of a backend that cannot run on ``device``."""
    return InputError(
        f"{backend} cannot run on {device}",
        where="LOOM_BACKEND: env.LOOM_DEVICE",
        why=[why],
        fix="see loom detect soft:device-cuda and the driver, or leave out _cuda",
    )
