"""ONNX Runtime on the CPU, or on a CUDA device with the package that has that provider."""

from collections.abc import Sequence
from typing import Any

import onnxruntime

from benchloom.errors import InputError
from benchloom.harness.backends.seam import BackendSettings, Batch, Outputs, check_tensors, no_device
from benchloom.harness.model_files.onnx_opset import checked_opset
from benchloom.model.facts import Model, Tensor

# ONNX Runtime's type names that differ from NumPy's.
_DTYPES = {"float": "float32", "double": "float64"}
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxRuntime:
    """One InferenceSession that computes the outputs of the model's facts."""

    name = "onnxruntime"

    def __init__(
        self,
        session: Any,
        inputs: Sequence[str],
        outputs: Sequence[str],
        threads: int,
        max_batch: int | None,
        opset: int | None,
    ) -> None:
        self.max_batch = max_batch
        self._opset = opset
        self.version: str = onnxruntime.__version__
        self._session = session
        self._inputs = list(enumerate(inputs))
        self._feed: dict[str, Any] = {}  # for the current batch: one session serves one thread
        self._outputs = list(outputs)
        self._threads = threads

    def run(self, batch: Batch) -> Outputs:
        """Run one batch and return the outputs of the model's facts."""
        for place, name in self._inputs:
            self._feed[name] = batch[place]
        result: Outputs = self._session.run(self._outputs, self._feed)
        return result

    def settings(self) -> BackendSettings:
        """Return the execution provider, thread count, and the opset of the file (None if it states none)."""
        providers = ",".join(self._session.get_providers())
        return {"provider": providers, "intra_op_threads": self._threads, "opset": self._opset}


def load(model: Model, path: str, threads: int, device: str = "cpu") -> OnnxRuntime:
    """Open ``path`` on ``device`` (cpu or cuda).

    Raises InputError if it cannot be loaded, lacks the tensors, or expects samples of another shape.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    provider = _PROVIDERS.get(device, device)
    if provider not in onnxruntime.get_available_providers():
        raise no_device(device, "onnxruntime", f"it has {', '.join(onnxruntime.get_available_providers())}")
    try:
        session = onnxruntime.InferenceSession(path, options, providers=[provider])
    except Exception as error:  # onnxruntime's exceptions have no public base class
        raise InputError("onnxruntime cannot load the model", where=path, why=[str(error).splitlines()[0]]) from error
    if provider not in session.get_providers():  # it falls back to the CPU silently
        raise no_device(
            device, "onnxruntime", f"it fell back to {', '.join(session.get_providers())}: is the device available?"
        )
    batch = check_tensors(model, *_tensors(session), path)
    opset = checked_opset(model, path)
    inputs, outputs = ([item.name for item in items] for items in (model.inputs, model.outputs))
    return OnnxRuntime(session, inputs, outputs, threads, batch, opset)


def tensors(path: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the inputs and outputs stated in the file; a size of -1 is free. May raise any error of the library."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=[_PROVIDERS["cpu"]])
    return _tensors(session)


def _tensors(session: Any) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    return tuple(map(_stated, session.get_inputs())), tuple(map(_stated, session.get_outputs()))


def _stated(node: Any) -> Tensor:
    return Tensor(name=node.name, shape=tuple(_sizes(node)), dtype=_dtype(node.type))


def _sizes(node: Any) -> list[int]:
    return [size if isinstance(size, int) else -1 for size in node.shape]


def _dtype(found: str) -> str:
    """NumPy's name of a type such as ``tensor(float)``."""
    name = found.removeprefix("tensor(").removesuffix(")")
    return _DTYPES.get(name, name)
