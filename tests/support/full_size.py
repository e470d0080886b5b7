"""ONNX networks of the real size with seeded random weights, in the tensors of the rows of the model table, or beside planted answers."""

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from benchloom.harness.random_weights.resnet50_onnx import Graph
from support.standins.burdens import SHARE, burden

CLASSES = 1001
# Outputs and strides of MobileNet-v1's thirteen separable blocks.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


def mobilenet(opset: int, seed: int = 5) -> Any:
    """Return MobileNet-v1 1.0 224 (4.2 million weights)."""
    graph = Graph(seed)

    def bounded(data: str) -> str:
        return graph.node("Clip", data, min=0.0, max=6.0) if opset < 11 else graph.node("Clip", data, low, high)

    low, high = (graph.constant(np.array(value, np.float32)) for value in (0, 6))
    data, channels = bounded(graph.convolution("input:0", (32, 3, 3), stride=2)), 32
    for outputs, stride in BLOCKS:
        data = bounded(graph.convolution(data, (channels, 1, 3), stride=stride, groups=channels))
        data = bounded(graph.convolution(data, (outputs, channels, 1)))
        channels = outputs
    scores = graph.classified(data, channels, CLASSES)
    name = "MobilenetV1/Predictions/Reshape_1:0"
    graph.node("Softmax", scores, output=name, axis=1)
    image = helper.make_tensor_value_info("input:0", TensorProto.FLOAT, ["N", 3, 224, 224])
    chances = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", CLASSES])
    return graph.model([image], [chances], opset)


def burdened(planted: ModelProto, name: str, *, tensor: str, axes: int, channels_last: bool) -> ModelProto:
    """Return a planted network whose ``tensor`` (of one or two ``axes``) also depends on the layers of the real network ``name``, if these
    are asked for (``burdens``). They take its tensor ``floats``.
    """
    layers, graph, channels = burden(name), Graph(7), 3
    if not layers:
        return planted
    place = next(number for number, node in enumerate(planted.graph.node) if tensor in node.output)
    planted.graph.node[place].output[:] = ["planted alone"]
    data = graph.node("Transpose", "floats", perm=[0, 3, 1, 2]) if channels_last else "floats"
    for outputs, width, stride in layers:
        shape, groups = ((outputs, channels, width), 1) if outputs else ((channels, 1, width), channels)
        data = graph.node("Relu", graph.convolution(data, shape, stride=stride, groups=groups))
        channels = outputs or channels
    mean = graph.node("ReduceMean", data, axes=[1, 2, 3], keepdims=0)
    share = graph.node("Mul", mean, graph.constant(np.array(SHARE, np.float32)))
    if axes == 2:
        share = graph.node("Reshape", share, graph.constant(np.array([-1, 1])))
    graph.node("Add", "planted alone", share, output=tensor)
    nodes = list(planted.graph.node)
    del planted.graph.node[:]
    planted.graph.node.extend([*nodes[: place + 1], *graph.nodes, *nodes[place + 1 :]])
    planted.graph.initializer.extend(graph.weights)
    return planted
