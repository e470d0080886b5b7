"""``resnet50.onnx``: ResNet-50 v1.5 with the tensors and operations of the trained file, but random weights.

The same seed and NumPy version give the same bytes. Batch norm is folded into the convolutions, as in a file made for
inference.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SEED, OPSET = 20210413, 11
CLASSES = 1001
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
EXPANSION = 4
BRANCH = 0.2  # scale of a block's residual branch, so that activations stay near one in any depth


class Graph:
    """Nodes and weights of an ONNX graph; every method returns the name of its output."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._random = np.random.default_rng(seed)

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add an operator."""
        name = output or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: NDArray[Any]) -> str:
        """Add a weight."""
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def random(self, shape: tuple[int, ...], scale: float = 1.0) -> str:
        """Add a normally distributed weight that preserves the scale of its input."""
        inputs = int(np.prod(shape[1:]))
        values = self._random.standard_normal(shape, np.float32) * np.float32(scale * (2 / inputs) ** 0.5)
        return self.constant(values)

    def convolution(
        self, data: str, shape: tuple[int, int, int], *, stride: int = 1, groups: int = 1, scale: float = 1.0
    ) -> str:
        """Add a convolution with bias; ``shape`` is outputs, inputs of a group, and width."""
        outputs, inputs, width = shape
        near = (width - 1) // 2
        weight = self.random((outputs, inputs, width, width), scale)
        bias = self.constant(np.zeros(outputs, np.float32))
        sizes: dict[str, Any] = {"kernel_shape": [width, width], "strides": [stride, stride], "pads": [near] * 4}
        return self.node("Conv", data, weight, bias, group=groups, **sizes)

    def classified(self, data: str, channels: int, classes: int) -> str:
        """Add the mean of each plane and a score for each class."""
        means = self.node("Flatten", self.node("GlobalAveragePool", data), axis=1)
        weight, bias = self.random((classes, channels)), self.constant(np.zeros(classes, np.float32))
        return self.node("Gemm", means, weight, bias, transB=1)

    def model(self, inputs: list[Any], outputs: list[Any], opset: int) -> Any:
        """Return the checked model."""
        graph = helper.make_graph(self.nodes, "random", inputs, outputs, self.weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        made.ir_version = 4 if opset < 11 else 6
        onnx.checker.check_model(made)
        return made


def resnet50(opset: int = OPSET, seed: int = SEED) -> Any:
    """Return the network from ``input_tensor:0`` (N x 3 x 224 x 224) to ``ArgMax:0`` (N) and ``softmax_tensor:0``."""
    graph = Graph(seed)
    data = graph.node("Relu", graph.convolution("input_tensor:0", (64, 3, 7), stride=2, scale=1 / 64))
    data = graph.node("MaxPool", data, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, (width, blocks) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            data = _block(graph, data, channels, width, stride)
            channels = width * EXPANSION
    scores = graph.classified(data, channels, CLASSES)
    graph.node("Softmax", scores, output="softmax_tensor:0", axis=1)
    graph.node("ArgMax", "softmax_tensor:0", output="ArgMax:0", axis=1, keepdims=0)
    image = helper.make_tensor_value_info("input_tensor:0", TensorProto.FLOAT, ["N", 3, 224, 224])
    index = helper.make_tensor_value_info("ArgMax:0", TensorProto.INT64, ["N"])
    chances = helper.make_tensor_value_info("softmax_tensor:0", TensorProto.FLOAT, ["N", CLASSES])
    return graph.model([image], [index, chances], opset)


def _block(graph: Graph, data: str, channels: int, width: int, stride: int) -> str:
    """Add a bottleneck block; its 3 x 3 convolution has the stride."""
    inner = graph.node("Relu", graph.convolution(data, (width, channels, 1)))
    inner = graph.node("Relu", graph.convolution(inner, (width, width, 3), stride=stride))
    inner = graph.convolution(inner, (width * EXPANSION, width, 1), scale=BRANCH)
    if channels != width * EXPANSION:
        data = graph.convolution(data, (width * EXPANSION, channels, 1), stride=stride)
    return graph.node("Relu", graph.node("Add", inner, data))


if __name__ == "__main__":
    Path("resnet50.onnx").write_bytes(resnet50().SerializeToString(deterministic=True))
