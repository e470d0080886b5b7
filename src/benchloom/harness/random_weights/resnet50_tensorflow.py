"""``resnet50.pb``: ResNet-50 v1.5 as a frozen graph with the tensors and operations of the trained file, but random weights.

Batch norm is folded into the convolutions, as in a file made for inference.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

SEED = 20210413
CLASSES = 1001
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
EXPANSION = 4
BRANCH = 0.2  # scale of a block's residual branch, so that activations stay near one in any depth

random = np.random.default_rng(SEED)


def weights(*shape: int, scale: float = 1.0) -> Any:
    """Return normally distributed weights that preserve the scale of their input; the last axis is the outputs."""
    inputs = int(np.prod(shape[:-1]))
    return tf.constant(random.standard_normal(shape, np.float32) * np.float32(scale * (2 / inputs) ** 0.5))


def convolution(data: Any, outputs: int, width: int, *, stride: int = 1, scale: float = 1.0) -> Any:
    """Map N x H x W x inputs to N x H' x W' x outputs, with a bias."""
    kernel = weights(width, width, data.shape[-1], outputs, scale=scale)
    return tf.nn.bias_add(tf.nn.conv2d(data, kernel, stride, "SAME"), tf.zeros(outputs))


def block(data: Any, width: int, stride: int) -> Any:
    """Add a bottleneck block; its 3 x 3 convolution has the stride."""
    inner = tf.nn.relu(convolution(data, width, 1))
    inner = tf.nn.relu(convolution(inner, width, 3, stride=stride))
    inner = convolution(inner, width * EXPANSION, 1, scale=BRANCH)
    if data.shape[-1] != width * EXPANSION:
        data = convolution(data, width * EXPANSION, 1, stride=stride)
    return tf.nn.relu(inner + data)


def resnet50() -> Any:
    """Return the graph from ``input_tensor:0`` (N x 224 x 224 x 3) to ``ArgMax:0`` (N) and ``softmax_tensor:0`` (N x 1001)."""
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 224, 224, 3], name="input_tensor")
        data = tf.nn.relu(convolution(images, 64, 7, stride=2, scale=1 / 64))
        data = tf.nn.max_pool2d(data, 3, 2, "SAME")
        for stage, (width, blocks) in enumerate(STAGES):
            for number in range(blocks):
                data = block(data, width, 2 if stage and not number else 1)
        means = tf.reduce_mean(data, [1, 2])
        chances = tf.nn.softmax(tf.matmul(means, weights(means.shape[-1], CLASSES)), name="softmax_tensor")
        tf.argmax(chances, axis=1, name="ArgMax")
        return graph


if __name__ == "__main__":
    Path("resnet50.pb").write_bytes(resnet50().as_graph_def().SerializeToString(deterministic=True))
