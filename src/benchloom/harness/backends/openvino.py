"""OpenVINO on the CPU, from ONNX files.

Its Python package reports each import to Intel unless a file in the home forbids it or an environment variable says CI;
it skips that if ``openvino_telemetry`` cannot be imported, so the import is blocked here.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from benchloom.errors import InputError
from benchloom.harness.backends.seam import (
    BackendSettings,
    Batch,
    Outputs,
    check_tensors,
    no_device,
    refuse_other_format,
)
from benchloom.harness.model_files.onnx_opset import checked_opset
from benchloom.model.facts import Model, Tensor

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # None: importing it fails
import openvino  # noqa: E402 - see above
import openvino.frontend  # noqa: E402

FORMATS = ("onnx",)
# One stream, since an instance serves one batch at a time. The precision is that of the file: on processors with AMX the plugin computes in
# bfloat16 by default. Instances are not bound to cores, since each would be to the same ones; logical cores count as threads.
_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": 1,
    "INFERENCE_PRECISION_HINT": "f32",
    "ENABLE_CPU_PINNING": False,
    "ENABLE_HYPER_THREADING": True,
}


class OpenVino:
    """A compiled model with one request, which serves one instance."""

    name = "openvino"

    def __init__(self, compiled: Any, model: Model, max_batch: int | None, opset: int | None) -> None:
        self.version = version("openvino")
        self.max_batch = max_batch
        self._opset = opset
        self._compiled = compiled
        self._request = compiled.create_infer_request()
        self._inputs = [(place, item.name) for place, item in enumerate(model.inputs)]
        self._outputs = [compiled.output(item.name) for item in model.outputs]
        self._feed: dict[str, Any] = {}  # for the current batch: one session serves one thread

    def run(self, batch: Batch) -> Outputs:
        """Run one batch and return the outputs of the model's facts, copied, since the request overwrites its buffers."""
        for place, name in self._inputs:
            self._feed[name] = batch[place]
        found = self._request.infer(self._feed, share_inputs=True)
        return [found[port] for port in self._outputs]

    def settings(self) -> BackendSettings:
        """Return the properties of the compiled model (threads may be fewer than requested), and the opset of the file."""
        return {
            "device": ",".join(self._compiled.get_property("EXECUTION_DEVICES")).lower(),
            "inference_precision": self._compiled.get_property("INFERENCE_PRECISION_HINT").to_string(),
            "performance_hint": str(self._compiled.get_property("PERFORMANCE_HINT")),
            "streams": int(self._compiled.get_property("NUM_STREAMS")),
            "inference_threads": int(self._compiled.get_property("INFERENCE_NUM_THREADS")),
            "opset": self._opset,
        }


def load(model: Model, path: str, threads: int, device: str = "cpu") -> OpenVino:
    """Open ``path``; ``device`` can only be cpu.

    Raises InputError if it cannot be loaded, lacks the tensors, or expects samples of another shape.
    """
    if device != "cpu":
        raise no_device(device, "openvino", "only its CPU plugin is supported")
    refuse_other_format(model, "openvino", FORMATS)
    try:
        network = _network(path)
        compiled = openvino.Core().compile_model(network, "CPU", {**_SETTINGS, "INFERENCE_NUM_THREADS": threads})
    except Exception as error:  # exceptions of its front ends have no public base class
        raise InputError("openvino cannot load the model", where=path, why=_reasons(error)) from error
    max_batch = check_tensors(model, *_stated(network), path)
    return OpenVino(compiled, model, max_batch, checked_opset(model, path))


def tensors(path: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the inputs and outputs stated in the file; a size of -1 is free. May raise any error of the library."""
    return _stated(_network(path))


def _network(path: str) -> Any:
    # The front end is named, since others are otherwise tried by file name, and print messages to standard error.
    reader = openvino.frontend.FrontEndManager().load_by_framework("onnx")
    return reader.convert(reader.load(path))


def _stated(network: Any) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    return _tensors(network.inputs), _tensors(network.outputs)


def _tensors(ports: Sequence[Any]) -> tuple[Tensor, ...]:
    """Return the tensors of ``ports`` under all their names: fused nodes of a graph share a port."""
    return tuple(
        Tensor(name=name, shape=_sizes(port.partial_shape), dtype=port.element_type.to_dtype().name)
        for port in ports
        for name in sorted(port.names)
    )


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(-1 if size.is_dynamic else size.get_length() for size in shape)


def _reasons(error: Exception) -> list[str]:
    """Return the last lines of a front end's message; earlier lines name positions in its own sources."""
    return [line.strip() for line in str(error).splitlines() if line.strip()][-1:]
