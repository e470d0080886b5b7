"""The trained network in the formats of the backends, one function for each.

    python export.py digits.pt FOLDER

writes every format into FOLDER. The eight-bit forms take the ranges of their values from the training part: no image that
a benchmark measures on decides anything. TensorFlow and ONNX Runtime are imported where they are used.
"""

import argparse
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from prepare import samples, split
from torch import nn

from benchloom.harness.architectures.digits import Block, DigitsNetwork

OPSET = 13
INPUT, OUTPUT = "input", "logits"
SHAPE = (1, 32, 32)
ENGINE = "x86"

Array = NDArray[np.float32]


def load_network(weights: Path) -> DigitsNetwork:
    """Return the network with the state dict of ``weights``, ready for inference."""
    network = DigitsNetwork()
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
            (torch.zeros(1, *SHAPE),),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "N"}, OUTPUT: {0: "N"}},
        )


def to_onnx_int8(fp32: Path, file: Path, calibration: Array) -> None:
    """Write the ONNX file ``fp32`` with eight-bit sums between pairs of QuantizeLinear and DequantizeLinear.

    Activations are unsigned and weights signed per channel, which is the fast pair of ONNX Runtime on x86; weights keep to seven
    bits, so that processors without VNNI, whose sixteen-bit sums would overflow, decide alike.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Samples(CalibrationDataReader):
        def __init__(self) -> None:
            self._rows = iter(calibration)

        def get_next(self) -> dict[str, Array] | None:
            row = next(self._rows, None)
            return None if row is None else {INPUT: row[np.newaxis]}

    logging.getLogger().setLevel(logging.ERROR)  # it advises a pre-processing that the exporter has done
    quantize_static(
        str(fp32),
        str(file),
        Samples(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )


def to_torchscript_int8(network: nn.Module, file: Path, calibration: Array) -> None:
    """Write TorchScript with eight-bit sums inside; input and output are floats."""
    with warnings.catch_warnings():
        # torch announces the end of its quantiser and of TorchScript; there is no other eight-bit form to load in one line.
        warnings.simplefilter("ignore")
        from torch.ao.quantization import get_default_qconfig_mapping
        from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

        torch.backends.quantized.engine = ENGINE
        example = (torch.zeros(1, *SHAPE),)
        observed = prepare_fx(network.eval(), get_default_qconfig_mapping(ENGINE), example)
        with torch.inference_mode():
            observed(torch.from_numpy(calibration))
        traced = torch.jit.trace(convert_fx(observed), example)
        torch.jit.freeze(traced.eval()).save(str(file))


def to_tensorflow(network: DigitsNetwork, file: Path) -> None:
    """Write a frozen graph from ``input:0`` (N x 32 x 32 x 1) to ``logits:0``, batch norm folded into the convolutions."""
    import tensorflow as tf

    height, width = SHAPE[1:]
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, height, width, SHAPE[0]], name=INPUT)
        planes = tf.nn.relu(_convolution(images, network.stem, network.norm))
        for block in network.blocks:
            planes = _block(planes, block)
        means = tf.reduce_mean(planes, [1, 2])
        weights, bias = (_array(item) for item in (network.scores.weight, network.scores.bias))
        tf.nn.bias_add(tf.matmul(means, weights.T), bias, name=OUTPUT)
    file.write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))


def to_tflite(frozen: Path, file: Path) -> None:
    """Write the frozen graph as TFLite."""
    file.write_bytes(_converter(frozen).convert())


def to_tflite_int8(frozen: Path, file: Path, calibration: Array) -> None:
    """Write the frozen graph as TFLite that computes in eight-bit integers, its input and output among them."""
    import tensorflow as tf

    def rows() -> Iterator[list[Array]]:
        for row in calibration:
            yield [row.transpose(1, 2, 0)[np.newaxis]]

    converter = _converter(frozen)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = rows
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    file.write_bytes(converter.convert())


def _converter(frozen: Path) -> Any:
    import tensorflow as tf

    return tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(str(frozen), [INPUT], [OUTPUT])


def _block(planes: Any, block: Block) -> Any:
    import tensorflow as tf

    inner = tf.nn.relu(_convolution(planes, block.conv1, block.norm1))
    wider = isinstance(block.shortcut, nn.Sequential)
    shortcut = _convolution(planes, *block.shortcut) if wider else planes
    return tf.nn.relu(_convolution(inner, block.conv2, block.norm2) + shortcut)


def _convolution(planes: Any, layer: nn.Conv2d, norm: nn.BatchNorm2d) -> Any:
    """One convolution and its batch norm. A stride of 2 never reaches the far edge's padding, so only the near one is there."""
    import tensorflow as tf

    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + np.float32(norm.eps))
    kernel = _array(layer.weight).transpose(2, 3, 1, 0) * scale
    near, far = layer.padding[0], layer.padding[0] if layer.stride[0] == 1 else 0
    edges = [[0, 0], [near, far], [near, far], [0, 0]]
    found = tf.nn.conv2d(planes, kernel, strides=list(layer.stride), padding=edges if near != far else "SAME")
    return tf.nn.bias_add(found, _array(norm.bias) - _array(norm.running_mean) * scale)


def _array(values: torch.Tensor) -> Array:
    return values.detach().numpy()


def export(network: DigitsNetwork, folder: Path) -> None:
    """Write every format but the state dict into ``folder``."""
    training, _ = split()
    calibration = samples(training)
    to_onnx(network, folder / "digits.onnx")
    to_onnx_int8(folder / "digits.onnx", folder / "digits-int8.onnx", calibration)
    to_torchscript_int8(network, folder / "digits-int8.pt", calibration)
    to_tensorflow(network, folder / "digits.pb")
    to_tflite(folder / "digits.pb", folder / "digits.tflite")
    to_tflite_int8(folder / "digits.pb", folder / "digits-int8.tflite", calibration)


def main() -> None:
    """Export the weights given."""
    parser = argparse.ArgumentParser(description="Export a state dict of the digits network to every format.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    export(load_network(given.weights), given.folder)


if __name__ == "__main__":
    main()
