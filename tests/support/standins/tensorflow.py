"""Frozen graphs and TFLite files with the tensors of the rows of the model table."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from support.standins import STEPS, WIDTH, foot, scores
from support.standins.burdens import SHARE, burden
from support.standins.detectors import BYTES, LEVEL, MOBILENET, NORMALISED, RESNET34_TENSORFLOW, Colours, Planted

CLASSES, OFFSET = 1001, 1
SHARPNESS = 2.0  # of six: what a softmax over a thousand classes makes a clear answer of
MOBILENET_OUTPUT = "MobilenetV1/Predictions/Reshape_1"
# Outputs and strides of MobileNet-v1's thirteen separable blocks.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))

Array = NDArray[np.float32]


def planted_resnet50() -> bytes:
    """``input_tensor:0`` to ``ArgMax:0`` and ``softmax_tensor:0``; takes red less 123.68."""
    with tf.Graph().as_default() as graph:
        found = _ladder(_images("input_tensor", None), "resnet50", mean=123.68, scale=1.0)
        tf.argmax(tf.nn.softmax(found, name="softmax_tensor"), axis=1, name="ArgMax")
        return _bytes(graph)


def planted_mobilenet(*, batch: int | None = None, mean: float = 127.5, imitate: bool = False) -> bytes:
    """``input:0`` to the probabilities; takes red from -1 to 1, all sums in imitated eight bits where told so."""
    with tf.Graph().as_default() as graph:
        images = _images("input", batch)
        planes = tf.quantization.fake_quant_with_min_max_vars(images, -1.0, 1.0) if imitate else images
        found = _ladder(planes, "mobilenet", mean=mean, scale=1 / mean, imitate=imitate)
        tf.reshape(tf.nn.softmax(found), [batch or -1, CLASSES], name=MOBILENET_OUTPUT)
        return _bytes(graph)


def planted_ssd_mobilenet() -> bytes:
    """``image_tensor:0``, bytes of RGB, to the outputs of TensorFlow's Object Detection API."""
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
        names = {"count": "num_detections", "labels": "detection_classes"}
        names |= {meaning: f"detection_{meaning}" for meaning in ("boxes", "scores")}
        floats = tf.cast(images, tf.float32)
        _boxes(floats[:, :8, :8], [1, 2], BYTES, MOBILENET, names, _burden(floats, "ssd-mobilenet"))
        return _bytes(graph)


def planted_ssd_resnet34() -> bytes:
    """``image:0``, normalised and with channels first, to boxes, classes and scores."""
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 3, 1200, 1200], name="image")
        names = {"boxes": "detection_bboxes", "labels": "detection_classes", "scores": "detection_scores"}
        planes = tf.transpose(images, [0, 2, 3, 1])
        _boxes(images[:, :, :8, :8], [2, 3], NORMALISED, RESNET34_TENSORFLOW, names, _burden(planes, "ssd-resnet34"))
        return _bytes(graph)


def full_mobilenet(*, batch: int | None = None, seed: int = 8) -> bytes:
    """MobileNet-v1 1.0 224 (4.2 million weights), batch norm folded."""
    random = np.random.default_rng(seed)
    with tf.Graph().as_default() as graph:
        images = _images("input", batch)
        planes = tf.nn.relu6(tf.nn.conv2d(images, _random(random, (3, 3, 3, 32)), 2, "SAME"))
        channels = 32
        for outputs, stride in BLOCKS:
            alone = _random(random, (3, 3, channels, 1), 9)
            planes = tf.nn.relu6(tf.nn.depthwise_conv2d(planes, alone, [1, stride, stride, 1], "SAME"))
            planes = tf.nn.relu6(tf.nn.conv2d(planes, _random(random, (1, 1, channels, outputs)), 1, "SAME"))
            channels = outputs
        means = tf.nn.avg_pool2d(planes, 7, 1, "VALID")
        found = tf.nn.conv2d(means, _random(random, (1, 1, channels, CLASSES)), 1, "SAME")
        tf.reshape(tf.nn.softmax(tf.reshape(found, [-1, CLASSES])), [batch or -1, CLASSES], name=MOBILENET_OUTPUT)
        return _bytes(graph)


def tflite(graph: bytes) -> bytes:
    """Return a frozen graph for one sample as TFLite."""
    return _converter(graph).convert()


def tflite_uint8(graph: bytes, calibration: Callable[[], Iterator[list[Array]]]) -> bytes:
    """Return a frozen graph for one sample as TFLite in eight bits: the calibration decides the scales."""
    converter = _converter(graph)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    return converter.convert()


def bytes_of_red() -> Iterator[list[Array]]:
    """Yield pictures whose ranges make a byte ``b`` stand for ``(b - 128) / 128``, one for each answer."""
    for red in (0, *range(0, 255, 10), 255):
        picture = np.full((1, 224, 224, 3), -1, np.float32)
        picture[..., 0] = (red - 128) / 128
        picture[..., 1] = 127 / 128
        yield [picture]


def _converter(graph: bytes) -> Any:
    parsed = tf.compat.v1.GraphDef.FromString(graph)
    with tf.Graph().as_default() as found:
        tf.import_graph_def(parsed, name="")
        ends = [found.get_tensor_by_name(f"{name}:0") for name in ("input", MOBILENET_OUTPUT)]
        with tf.compat.v1.Session(graph=found) as session:
            return tf.compat.v1.lite.TFLiteConverter.from_session(session, ends[:1], ends[1:])


def _images(name: str, batch: int | None) -> Any:
    return tf.compat.v1.placeholder(tf.float32, [batch, 224, 224, 3], name=name)


def _burden(images: Any, name: str) -> Any:
    """Return what the layers of the real network add (N x 1); 0 unless they are asked for."""
    data, random = images, np.random.default_rng(7)
    layers = burden(name)
    for outputs, width, stride in layers:
        channels = data.shape[-1]
        if outputs:
            data = tf.nn.conv2d(data, _random(random, (width, width, channels, outputs)), stride, "SAME")
        else:
            alone = _random(random, (width, width, channels, 1), width * width)
            data = tf.nn.depthwise_conv2d(data, alone, [1, stride, stride, 1], "SAME")
        data = tf.nn.relu(data)
    return tf.reduce_mean(data, [1, 2, 3])[:, tf.newaxis] * SHARE if layers else 0.0


def _ladder(images: Any, name: str, *, mean: float, scale: float, imitate: bool = False) -> Any:
    """Return scores (N x classes) of images that hold ``(red - mean) * scale`` first."""
    first = np.zeros((3, STEPS), np.float32)
    first[0] = 1 / scale
    feet = np.array([mean - foot(step) for step in range(STEPS)], np.float32)
    rising = tf.reduce_mean(images, [1, 2]) @ first * (6 / WIDTH) + feet * (6 / WIDTH)
    steps = tf.nn.relu6(rising + _burden(images, name))
    if imitate:
        steps = tf.quantization.fake_quant_with_min_max_vars(steps, 0.0, 6.0)
    return steps @ (scores(CLASSES, OFFSET) * SHARPNESS)


def _boxes(patch: Any, axes: list[int], colours: Colours, planted: Planted, names: dict[str, str], added: Any) -> None:
    """Add the outputs of a planted detector, by the names of what they mean; ``axes`` are those of a picture's plane."""
    mean, deviation = np.float32(colours.mean), np.float32(colours.deviation)
    levels = tf.floor((tf.reduce_mean(patch, axes) * deviation + mean) / LEVEL + 0.5 + added)
    parts = planted.outputs()
    for meaning, name in names.items():
        part = parts[meaning]
        tf.reshape(levels @ part.weights + part.bias, [-1, *part.shape], name=name)


def _random(random: np.random.Generator, shape: tuple[int, ...], inputs: int = 0) -> Array:
    size = inputs or int(np.prod(shape[:-1]))
    return random.standard_normal(shape, np.float32) * np.float32((2 / size) ** 0.5)


def _bytes(graph: Any) -> bytes:
    return graph.as_graph_def().SerializeToString(deterministic=True)


FILES: dict[str, Callable[[], bytes]] = {
    "planted-resnet50": planted_resnet50,
    "planted-mobilenet": planted_mobilenet,
    "planted-mobilenet-int8": lambda: planted_mobilenet(imitate=True),
    "planted-tflite": lambda: tflite(planted_mobilenet(batch=1)),
    "planted-tflite-int8": lambda: tflite_uint8(planted_mobilenet(batch=1, mean=128.0), bytes_of_red),
    "planted-ssd-mobilenet": planted_ssd_mobilenet,
    "planted-ssd-resnet34": planted_ssd_resnet34,
    "full-mobilenet": full_mobilenet,
    "full-tflite": lambda: tflite(full_mobilenet(batch=1)),
    "full-tflite-int8": lambda: tflite_uint8(full_mobilenet(batch=1), bytes_of_red),
}

if __name__ == "__main__":
    for what, file in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        Path(file).write_bytes(FILES[what]())
