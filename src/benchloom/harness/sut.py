"""The protocol every backend keeps, and how one is opened by name."""

import importlib
from typing import TYPE_CHECKING, Protocol, TypeAlias

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.model.facts import Model, Tensor

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
    """A loaded network. ``version`` is the runtime library's."""

    name: str
    version: str

    def predict(self, batch: "NDArray[np.generic]") -> "Outputs":
        """Return the used outputs for ``batch`` (N x the model's input shape); row i of each belongs to sample i."""

    def settings(self) -> dict[str, str | int | float | bool | None]:
        """Return what was set on the runtime, for the record."""


def open_backend(name: str, model: Model, path: str, threads: int, device: str = "cpu") -> Backend:
    """Load ``path`` with the backend ``name`` on ``device``. Raises InputError for an unknown name and what loading raises."""
    if name not in BACKENDS:
        raise InputError(
            f"no backend is called {name!r}",
            where="LOOM_BACKEND",
            fix=did_you_mean(name, BACKENDS) or f"known: {', '.join(BACKENDS)}",
        )
    module = importlib.import_module(f"benchloom.harness.backends.{name}")
    backend: Backend = module.load(model, path, threads, device)
    return backend


def no_device(device: str, backend: str, why: str) -> InputError:
    """Return the error of a backend that cannot run on ``device``."""
    return InputError(
        f"{backend} cannot run on {device}",
        where="LOOM_BACKEND: env.LOOM_DEVICE",
        why=[why],
        fix="see loom detect soft:device-cuda and the driver, or leave out _cuda",
    )
