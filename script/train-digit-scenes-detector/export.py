"""The trained detector in the formats of the backends, one function for each.

    python export.py digit-scenes.pt FOLDER

writes every format into FOLDER. TensorFlow is imported where it is used.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchloom.harness.architectures.digit_scenes import (
    CANDIDATES,
    CLASSES,
    DETECTIONS,
    GRIDS,
    LEAST_SCORE,
    OVERLAP,
    ROUNDS,
    SIDE,
    VARIANCES,
    DigitScenesNetwork,
    Head,
    Separable,
)

OPSET = 13
INPUT, OUTPUTS = "input", ("boxes", "labels", "scores")

Array = NDArray[np.float32]


def load_network(weights: Path) -> DigitScenesNetwork:
    """Return the network with the state dict of ``weights``, ready for inference."""
    network = DigitScenesNetwork()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def to_pytorch(network: nn.Module, file: Path) -> None:
    """Write the state dict alone: weights and batch-norm statistics by name, no code."""
    torch.save(network.state_dict(), file)


def to_onnx(network: nn.Module, file: Path) -> None:
    """Write an ONNX graph with batch norm folded into the convolutions and a free batch dimension ``N``."""
    with warnings.catch_warnings():
        # The exporter by tracing is the one that writes opset 13; torch announces that it will go.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 3, SIDE, SIDE),),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "N"} for name in (INPUT, *OUTPUTS)},
        )


def to_tensorflow(network: DigitScenesNetwork, file: Path) -> None:
    """Write a frozen graph from ``input:0`` (N x 300 x 300 x 3) to the three outputs, batch norm folded into the convolutions."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, SIDE, SIDE, 3], name=INPUT)
        logits, offsets = _raw(network, images)
        for values, name in zip(_detections(network, logits, offsets), OUTPUTS, strict=True):
            tf.identity(values, name=name)
    file.write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))


def to_tflite(frozen: Path, file: Path) -> None:
    """Write the frozen graph as TFLite."""
    import tensorflow as tf

    converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(str(frozen), [INPUT], list(OUTPUTS))
    file.write_bytes(converter.convert())


def _raw(network: DigitScenesNetwork, images: Any) -> tuple[Any, Any]:
    """Raw scores (N x A x 10) and offsets (N x A x 4) of all anchors."""
    import tensorflow as tf

    planes = tf.nn.relu(_convolution(images, network.stem, network.norm))
    maps = []
    for stage, lateral in zip(network.stages, network.laterals, strict=True):
        for block in stage:
            planes = _separable(planes, block)
        maps.append(_convolution(planes, lateral))
    for level in (1, 0):
        maps[level] += tf.compat.v1.image.resize_nearest_neighbor(maps[level + 1], [GRIDS[level]] * 2)
    found = [_head(tf.nn.relu(item), head) for item, head in zip(maps, network.heads, strict=True)]
    logits, offsets = zip(*found, strict=True)
    return tf.concat(logits, 1), tf.concat(offsets, 1)


def _detections(network: DigitScenesNetwork, logits: Any, offsets: Any) -> tuple[Any, Any, Any]:
    """Boxes, labels and scores as ``DigitScenesNetwork.forward`` computes them."""
    import tensorflow as tf

    top, rows = tf.math.top_k(tf.reduce_max(logits, 2), CANDIDATES)
    boxes = _decode(tf.gather(offsets, rows, batch_dims=1), tf.gather(_array(network.anchors), rows))
    classes = tf.argmax(tf.gather(logits, rows, batch_dims=1), 2, output_type=tf.int32)
    labels = tf.cast(classes, tf.float32) + 1
    scores = tf.sigmoid(top)
    clear = tf.cast(scores > LEAST_SCORE, tf.float32)
    scores, order = tf.math.top_k(scores * _survivors(network, boxes, labels) * clear, DETECTIONS)
    shown = tf.cast(scores > 0, tf.float32)
    boxes, labels = (tf.gather(values, order, batch_dims=1) for values in (boxes, labels))
    return boxes * shown[:, :, tf.newaxis], labels * shown, scores


def _decode(offsets: Any, around: Any) -> Any:
    import tensorflow as tf

    middles = around[..., :2] + offsets[..., :2] * around[..., 2:] * VARIANCES[0]
    halves = around[..., 2:] * tf.exp(offsets[..., 2:] * VARIANCES[1]) / 2
    return tf.clip_by_value(tf.concat([middles - halves, middles + halves], 2), 0, 1)


def _survivors(network: DigitScenesNetwork, boxes: Any, labels: Any) -> Any:
    import tensorflow as tf

    same = tf.cast(tf.equal(labels[:, :, tf.newaxis], labels[:, tf.newaxis]), tf.float32)
    suppresses = tf.cast(_overlapping(boxes), tf.float32) * same * _array(network.earlier)
    kept = tf.ones_like(labels)[:, tf.newaxis]
    for _ in range(ROUNDS):
        kept = tf.cast(tf.matmul(kept, suppresses) < 0.5, tf.float32)
    return tf.squeeze(kept, 1)


def _overlapping(boxes: Any) -> Any:
    import tensorflow as tf

    first, second = boxes[:, :, tf.newaxis], boxes[:, tf.newaxis]
    sides = tf.minimum(first[..., 2:], second[..., 2:]) - tf.maximum(first[..., :2], second[..., :2])
    sides = tf.maximum(sides, 0)
    shared = sides[..., 0] * sides[..., 1]
    lengths = boxes[..., 2:] - boxes[..., :2]
    areas = lengths[..., 0] * lengths[..., 1]
    return shared > OVERLAP * (areas[:, :, tf.newaxis] + areas[:, tf.newaxis] - shared)


def _head(planes: Any, head: Head) -> tuple[Any, Any]:
    import tensorflow as tf

    inner = _separable(planes, head.shared)
    scores, offsets = (_convolution(inner, layer) for layer in (head.scores, head.offsets))
    return tf.reshape(scores, [-1, head.count, CLASSES]), tf.reshape(offsets, [-1, head.count, 4])


def _separable(planes: Any, block: Separable) -> Any:
    import tensorflow as tf

    inner = tf.nn.relu(_convolution(planes, block.depthwise, block.norm1))
    outer = tf.nn.relu(_convolution(inner, block.pointwise, block.norm2))
    return outer + planes if block.shortcut else outer


def _convolution(planes: Any, layer: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> Any:
    """One convolution, of each plane or across them, with its batch norm or bias, padded as PyTorch pads."""
    import tensorflow as tf

    kernel, bias = _folded(layer, norm)
    edge, step = layer.padding[0], layer.stride[0]
    padded = tf.pad(planes, [[0, 0], [edge, edge], [edge, edge], [0, 0]]) if edge and step > 1 else planes
    padding = "VALID" if step > 1 else "SAME"
    if layer.groups > 1:
        found = tf.nn.depthwise_conv2d(padded, kernel.transpose(2, 3, 0, 1), [1, step, step, 1], padding)
    else:
        found = tf.nn.conv2d(padded, kernel.transpose(2, 3, 1, 0), [step, step], padding)
    return tf.nn.bias_add(found, bias)


def _folded(layer: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Array, Array]:
    """The kernel (outputs x inputs x rows x columns) and the bias."""
    if norm is None:
        return _array(layer.weight), _array(layer.bias)
    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + np.float32(norm.eps))
    return _array(layer.weight) * scale[:, None, None, None], _array(norm.bias) - _array(norm.running_mean) * scale


def _array(values: torch.Tensor) -> Array:
    return values.detach().numpy()


def export(network: DigitScenesNetwork, folder: Path) -> None:
    """Write every format but the state dict into ``folder``."""
    to_onnx(network, folder / "digit-scenes.onnx")
    to_tensorflow(network, folder / "digit-scenes.pb")
    to_tflite(folder / "digit-scenes.pb", folder / "digit-scenes.tflite")


def main() -> None:
    """Export the weights given."""
    parser = argparse.ArgumentParser(description="Export a state dict of the detector of digit scenes to every format.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    export(load_network(given.weights), given.folder)


if __name__ == "__main__":
    main()
