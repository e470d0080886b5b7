"""TensorFlow Lite on the CPU, through the LiteRT interpreter (``ai-edge-litert``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.harness.backends.seam import (
    BackendSettings,
    Batch,
    Outputs,
    check_file_shape,
    check_file_type,
    no_device,
    refuse_other_format,
)
from benchloom.harness.native_stderr import stderr_held
from benchloom.model.facts import Model, Tensor

FORMATS = ("tflite",)


@dataclass(frozen=True)
class Port:
    """An input or output tensor; a size of -1 is free.

    A quantised one holds ``value / scale + zero``; ``scale`` is 0 for others.
    """

    name: str
    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero: int

    def stored(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return ``values`` in the type of the file, rounded and clipped; values of that type are unchanged."""
        if values.dtype == self.dtype or not self.scale:
            return values
        limits = np.iinfo(self.dtype)
        scaled = np.divide(values, np.float32(self.scale), dtype=np.float32)
        np.rint(scaled, out=scaled)
        scaled += self.zero
        np.clip(scaled, limits.min, limits.max, out=scaled)
        result: NDArray[np.generic] = scaled.astype(self.dtype)
        return result

    def meant(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return stored values as real numbers (float32 if quantised)."""
        if not self.scale:
            return values
        return (values.astype(np.float32) - self.zero) * np.float32(self.scale)


class TFLite:
    """An interpreter whose inputs take the size of the batch; tensors are allocated again only if that changes."""

    name = "tflite"
    max_batch: int | None = None  # its inputs are resized

    def __init__(self, interpreter: Any, sources: Sequence[Port], results: Sequence[Port], threads: int) -> None:
        self.version = version("ai-edge-litert")
        self._interpreter = interpreter
        self._inputs, self._outputs = tuple(sources), tuple(results)
        self._threads = threads
        self._batch = 0

    def run(self, batch: Batch) -> Outputs:
        """Run one batch and return the outputs of the model's facts, as floats if the file is quantised.

        Raises InputError if the graph has another fixed batch size.
        """
        if len(batch[0]) != self._batch:
            self._resize(batch)
        for port, values in zip(self._inputs, batch, strict=True):
            self._interpreter.set_tensor(port.index, port.stored(values))
        self._interpreter.invoke()
        return [port.meant(self._interpreter.get_tensor(port.index)) for port in self._outputs]

    def _resize(self, batch: Batch) -> None:
        self._batch, size = 0, len(batch[0])
        for port, values in zip(self._inputs, batch, strict=True):
            self._interpreter.resize_tensor_input(port.index, list(values.shape))
        try:
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"the model does not support batches of {size}",
                where="model.max_batch",
                why=str(error).splitlines()[:2],
                fix="state max_batch in its facts, or give --batch_size=1",
            ) from error
        self._batch = size

    def settings(self) -> BackendSettings:
        """Return device, thread count and the types of the file's own first input and output."""
        return {
            "device": "cpu",
            "threads": self._threads,
            "input_dtype": self._inputs[0].dtype.name,
            "output_dtype": self._outputs[0].dtype.name,
        }


def load(model: Model, path: str, threads: int, device: str = "cpu") -> TFLite:
    """Open ``path``; ``device`` can only be cpu.

    Raises InputError if it is not such a file, lacks the tensors, or expects another sample type.
    """
    if device != "cpu":
        raise no_device(device, "tflite", "its interpreter has no delegate for this device")
    refuse_other_format(model, "tflite", FORMATS)
    try:
        with stderr_held():  # the delegate prints messages
            interpreter = Interpreter(model_path=path, num_threads=threads)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(
            "tflite cannot load the model", where=path, why=str(error).splitlines()[:4], fix="check the file"
        ) from error
    sources = [_port(interpreter.get_input_details(), item.name, path) for item in model.inputs]
    results = [_port(interpreter.get_output_details(), item.name, path) for item in model.outputs]
    for source, stated in zip(sources, model.inputs, strict=True):
        _check_input(source, stated, path)
    return TFLite(interpreter, sources, results, threads)


def tensors(path: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the inputs and outputs stated in the file; a size of -1 is free. May raise any error of the library."""
    with stderr_held():
        interpreter = Interpreter(model_path=path)
    return _stated(interpreter.get_input_details()), _stated(interpreter.get_output_details())


def _stated(details: list[dict[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(
            name=item["name"],
            shape=tuple(int(size) for size in item["shape_signature"]),
            # A quantised input accepts floats as well: the backend applies the file's scale.
            dtype="" if item["quantization"][0] else np.dtype(item["dtype"]).name,
        )
        for item in details
    )


def _port(details: list[dict[str, Any]], name: str, path: str) -> Port:
    found = next((item for item in details if item["name"] == name), None)
    if found is None:
        names = sorted(item["name"] for item in details)
        raise InputError(
            f"the model has no tensor {name!r}",
            where=path,
            why=[f"it has {', '.join(names)}"],
            fix=did_you_mean(name, names) or "state the name in the file",
        )
    scale, zero = found["quantization"]
    return Port(
        name=name,
        index=found["index"],
        shape=tuple(int(size) for size in found["shape_signature"]),
        dtype=np.dtype(found["dtype"]),
        scale=float(scale),
        zero=int(zero),
    )


def _check_input(source: Port, stated: Tensor, path: str) -> None:
    """Compare the facts with the file; samples are compared with the facts in ``harness.inputs``."""
    if not (source.scale and stated.dtype == "float32"):
        fix = "state the type of the file, or float32 if it is quantised"
        check_file_type(stated, source.dtype.name, path, fix)
    check_file_shape(stated, source.shape, path)
