"""TensorFlow on the CPU or a CUDA device: frozen graphs, as TensorFlow 1 wrote them."""

import os
from typing import Any

from google.protobuf.message import DecodeError

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.harness.backends.seam import (
    BackendSettings,
    Batch,
    Outputs,
    check_file_shape,
    check_file_type,
    least_batch,
    no_device,
    refuse_other_format,
)
from benchloom.harness.native_stderr import stderr_held
from benchloom.model.facts import Model, Tensor

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
with stderr_held():  # messages during its import precede any log level
    import tensorflow as tf

FORMATS = ("tensorflow-frozen-graph",)
_SHOWN = 8


class TensorFlow:
    """A graph pruned to the part between the inputs and outputs of the model's facts."""

    name = "tensorflow"

    def __init__(self, function: Any, threads: int, device: str, max_batch: int | None) -> None:
        self.max_batch = max_batch
        self.version: str = tf.__version__
        self._function = function
        self._threads = threads
        self._device = device

    def run(self, batch: Batch) -> Outputs:
        """Run one batch and return the outputs of the model's facts."""
        return [item.numpy() for item in self._function(*map(tf.convert_to_tensor, batch))]

    def settings(self) -> BackendSettings:
        """Return device and thread counts."""
        return {"device": self._device, "intra_op_threads": self._threads, "inter_op_threads": 1}


def load(model: Model, path: str, threads: int, device: str = "cpu") -> TensorFlow:
    """Open ``path`` on ``device`` (cpu or cuda). Raises InputError if it is not a frozen graph, lacks the tensors, or expects another input.

    TensorFlow sets its thread counts once per process: the first call decides.
    """
    refuse_other_format(model, "tensorflow", FORMATS)
    devices = tf.config.list_physical_devices("GPU")
    if device not in {"cpu", "cuda"} or (device == "cuda" and not devices):
        raise no_device(device, "tensorflow", f"tensorflow {tf.__version__} does not find this device")
    tf.config.set_visible_devices(devices[:1] if device == "cuda" else [], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    wrapped = _imported(path)
    sources, results = (
        [_tensor(wrapped.graph, item.name, path) for item in items] for items in (model.inputs, model.outputs)
    )
    sizes = [_check_input(source, stated, path) for source, stated in zip(sources, model.inputs, strict=True)]
    return TensorFlow(wrapped.prune(sources, results), threads, device, least_batch(sizes, path))


def tensors(path: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the graph's placeholders and its unused outputs; a size of -1 is free.

    Raises InputError if it is not a frozen graph.
    """
    operations = _imported(path).graph.get_operations()
    sources = [item for operation in operations if operation.type == "Placeholder" for item in operation.outputs]
    ends = [item for operation in operations for item in operation.outputs if not item.consumers()]
    return tuple(map(_stated, sources)), tuple(map(_stated, ends))


def _stated(tensor: Any) -> Tensor:
    sizes = () if tensor.shape.rank is None else tuple(-1 if size is None else size for size in tensor.shape.as_list())
    return Tensor(name=tensor.name, shape=sizes, dtype=tensor.dtype.name)


def _imported(path: str) -> Any:
    """Return the file's graph as a function without inputs or outputs, from which others are pruned."""
    graph = tf.compat.v1.GraphDef()
    try:
        with open(path, "rb") as file:
            graph.ParseFromString(file.read())
        return tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])
    except (DecodeError, ValueError, OSError, tf.errors.OpError) as error:
        reasons = [line.strip() for line in str(error).splitlines() if line.strip()][:4]
        raise InputError(
            "tensorflow cannot load the model as a frozen graph", where=path, why=reasons, fix="check the file"
        ) from error


def _tensor(graph: Any, name: str, path: str) -> Any:
    try:
        return graph.get_tensor_by_name(name)
    except (KeyError, ValueError) as error:  # ValueError if the name lacks its ':0'
        names = _edges(graph)
        shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        raise InputError(
            f"the model has no tensor {name!r}",
            where=path,
            why=[f"its inputs and outputs are {shown}" if names else "its graph is empty"],
            fix=did_you_mean(name, names) or "state the name in the graph",
        ) from error


def _edges(graph: Any) -> list[str]:
    """Names of the graph's placeholders and of its unused outputs."""
    operations = graph.get_operations()
    inputs = [item.name for operation in operations if operation.type == "Placeholder" for item in operation.outputs]
    ends = [item.name for operation in operations for item in operation.outputs if not item.consumers()]
    return sorted({*inputs, *ends})


def _check_input(source: Any, stated: Tensor, path: str) -> list[int]:
    """Compare the facts with the graph's input, and return its sizes (-1 is free; none if the graph does not say)."""
    check_file_type(stated, source.dtype.name, path)
    if source.shape.rank is None:
        return []
    sizes = [-1 if size is None else size for size in source.shape.as_list()]
    check_file_shape(stated, sizes, path)
    return sizes
