"""ONNX Runtime on the CPU, or on a CUDA device with the package that has that provider."""

from collections.abc import Sequence
from typing import Any

import onnxruntime

from benchloom.errors import InputError
from benchloom.harness.backends.seam import (
    Batch,
    Outputs,
    Settings,
    check_file_shape,
    check_file_type,
    least_batch,
    no_device,
)
from benchloom.harness.model_files.onnx_opset import onnx_opset
from benchloom.model.facts import Model, Tensor

# ONNX Runtime's names of types where they are not NumPy's.
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
        self._feed: dict[str, Any] = {}  # of the batch in hand: one session serves one thread
        self._outputs = list(outputs)
        self._threads = threads

    def run(self, batch: Batch) -> Outputs:
        """Run one batch and return the outputs of the model's facts."""
        for place, name in self._inputs:
            self._feed[name] = batch[place]
        result: Outputs = self._session.run(self._outputs, self._feed)
        return result

    def settings(self) -> Settings:
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
    sizes = _check_tensors(session, model, path)
    opset = onnx_opset(path)
    if model.opset is not None and opset != model.opset:
        raise InputError(
            f"the file is of opset {opset}, its facts state {model.opset}",
            where=path,
            fix="choose the component of that opset, or state the opset in one of your own",
        )
    inputs, outputs = ([item.name for item in items] for items in (model.inputs, model.outputs))
    return OnnxRuntime(session, inputs, outputs, threads, least_batch(sizes, path), opset)


def _check_tensors(session: Any, model: Model, path: str) -> list[list[int]]:
    """Compare the facts with the file's tensors, and return the sizes of its inputs (-1 is free)."""
    sources = {item.name: item for item in session.get_inputs()}
    known = {*sources, *(item.name for item in session.get_outputs())}
    if missing := [item.name for item in (*model.inputs, *model.outputs) if item.name not in known]:
        raise InputError(
            f"the model has no tensor {missing[0]!r}", where=path, why=[f"it has {', '.join(sorted(known))}"]
        )
    for stated in model.inputs:
        source = sources[stated.name]
        check_file_type(
            stated, _dtype(source.type), path, "state the type that the file has, and the profile that gives it"
        )
        check_file_shape(stated, _sizes(source), path)
    return [_sizes(sources[item.name]) for item in model.inputs]


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
