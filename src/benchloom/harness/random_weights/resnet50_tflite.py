"""``resnet50.tflite``: the graph of ``resnet50_tensorflow``, converted."""

from pathlib import Path

import tensorflow as tf

from benchloom.harness.random_weights.resnet50_tensorflow import resnet50

if __name__ == "__main__":
    with tf.compat.v1.Session(graph=resnet50()) as session:
        ends = [session.graph.get_tensor_by_name(f"{name}_tensor:0") for name in ("input", "softmax")]
        converter = tf.compat.v1.lite.TFLiteConverter.from_session(session, ends[:1], ends[1:])
        Path("resnet50.tflite").write_bytes(converter.convert())
