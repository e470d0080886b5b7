"""The tiny networks beside this file: four pixels in, three scores out, by a sum that a test can do in its head.

    PYTHONPATH=src:tests python -m support.networks.make

writes them again (TensorFlow 2.21). ``scores = pixels @ WEIGHTS + BIAS``, as a frozen graph, as TFLite, as TFLite
with eight-bit input (-1 to 1), output and sums, and as TFLite for one sample at a time.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf

from support.networks import BIAS, HERE, WEIGHTS


def graph(batch: int | None = None) -> bytes:
    """Return the frozen graph from ``input:0`` (N x 2 x 2 x 1) to ``scores:0`` (N x 3), N free or ``batch``."""
    with tf.Graph().as_default() as found:
        pixels = tf.compat.v1.placeholder(tf.float32, [batch, 2, 2, 1], name="input")
        tf.identity(tf.reshape(pixels, [batch or -1, 4]) @ WEIGHTS + BIAS, name="scores")
        return found.as_graph_def().SerializeToString(deterministic=True)


def tflite(file: Path, *, quantised: bool) -> bytes:
    """Return the frozen graph of ``file`` as TFLite."""
    converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(str(file), ["input"], ["scores"])
    if quantised:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([np.full((1, 2, 2, 1), v, np.float32)] for v in (-1, 0.25, 1))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    return converter.convert()


if __name__ == "__main__":
    frozen = HERE / "tiny.pb"
    frozen.write_bytes(graph())
    (HERE / "tiny.tflite").write_bytes(tflite(frozen, quantised=False))
    (HERE / "tiny-uint8.tflite").write_bytes(tflite(frozen, quantised=True))
    with TemporaryDirectory() as folder:
        single = Path(folder) / "single.pb"
        single.write_bytes(graph(1))
        (HERE / "tiny-single.tflite").write_bytes(tflite(single, quantised=False))
