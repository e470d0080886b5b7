"""ONNX Runtime on the CPU, or on a CUDA device with the package that has that provider."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.harness.backends.onnx_opset import onnx_opset
from benchloom.harness.inputs import check_file_shape
from benchloom.harness.sut import fixed_batch, no_device, used_outputs
from benchloom.model.facts import Model, Tensor

# ONNX Runtime's names of types where they are not NumPy's.
_DTYPES = {"float": "float32", "double": "float64"}
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxRuntime:
    """One InferenceSession that computes only the outputs which are used."""

    name = "onnxruntime"

    def __init__(
        self,
        session: Any,
        input_name: str,
        output_names: Sequence[str],
        threads: int,
        max_batch: int | None,
        opset: int | None,
    ) -> None:
        self.max_batch = max_batch
        self._opset = opset
        self.version: str = onnxruntime.__version__
        self._session = session
        self._input = input_name
        self._outputs = list(output_names)
        self._threads = threads

    def predict(self, batch: NDArray[np.generic]) -> Sequence[NDArray[np.generic]]:
        """Run one batch and return the used outputs of the model's facts."""
        result: Sequence[NDArray[np.generic]] = self._session.run(self._outputs, {self._input: batch})
        return result

    def settings(self) -> dict[str, str | int | float | bool | None]:
        """Return the execution provider, thread count, and the opset of the file (None where it states none)."""
        providers = ",".join(self._session.get_providers())
        return {"provider": providers, "intra_op_threads": self._threads, "opset": self._opset}


def load(model: Model, path: str, threads: int, device: str = "cpu") -> OnnxRuntime:
    """Open ``path`` on ``device`` (cpu or cuda). Raises InputError where it cannot be loaded, lacks the tensors, or takes samples of another shape."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    provider = _PROVIDERS.get(device, device)
    if provider not in onnxruntime.get_available_providers():
        raise no_device(device, "onnxruntime", f"it has {', '.join(onnxruntime.get_available_providers())}")
    try:
        session = onnxruntime.InferenceSession(path, options, providers=[provider])
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        raise InputError("onnxruntime cannot load the model", where=path, why=[str(error).splitlines()[0]]) from error
    if provider not in session.get_providers():  # it goes on on the CPU by itself
        raise no_device(device, "onnxruntime", f"it chose {', '.join(session.get_providers())}: is there a device?")
    input_name, output_names = model.inputs[0].name, [item.name for item in used_outputs(model)]
    known = {item.name for item in session.get_inputs()} | {item.name for item in session.get_outputs()}
    missing = [name for name in (input_name, *output_names) if name not in known]
    if missing:
        raise InputError(
            f"the model has no tensor {missing[0]!r}", where=path, why=[f"it has {', '.join(sorted(known))}"]
        )
    source = next(item for item in session.get_inputs() if item.name == input_name)
    _check_type(source.type, model.inputs[0], path)
    sizes = _sizes(source)
    check_file_shape(input_name, model.inputs[0].shape, sizes, path)
    opset = onnx_opset(path)
    if model.opset is not None and opset != model.opset:
        raise InputError(
            f"the file is of opset {opset}, its facts state {model.opset}",
            where=path,
            fix="choose the component of that opset, or state the opset in one of your own",
        )
    return OnnxRuntime(session, input_name, output_names, threads, fixed_batch(sizes, path), opset)


def tensors(path: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the inputs and outputs that the file states; a size of -1 is free. May raise any error of the library."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=[_PROVIDERS["cpu"]])
    return tuple(map(_stated, session.get_inputs())), tuple(map(_stated, session.get_outputs()))


def _stated(node: Any) -> Tensor:
    return Tensor(name=node.name, shape=tuple(_sizes(node)), dtype=_dtype(node.type))


def _sizes(node: Any) -> list[int]:
    return [size if isinstance(size, int) else -1 for size in node.shape]


def _dtype(found: str) -> str:
    """NumPy's name of a type such as ``tensor(float)``."""
    name = found.removeprefix("tensor(").removesuffix(")")
    return _DTYPES.get(name, name)


def _check_type(found: str, stated: Tensor, path: str) -> None:
    """Hold the type that the facts state against that of the file, such as ``tensor(float)``."""
    dtype = _dtype(found)
    if stated.dtype not in {"", dtype}:
        raise InputError(
            f"the model's input {stated.name!r} takes {dtype}, its facts state {stated.dtype}",
            where=path,
            fix="state the type that the file has, and the profile that gives it",
        )
