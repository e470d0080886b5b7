"""``resnet50.onnx`` in eight bits: the graph of ``resnet50_onnx``, quantised.

A few seeded random images determine the ranges of activations.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from benchloom.harness.random_weights.resnet50_onnx import SEED, resnet50

PICTURES = 8
OPSET = 13  # the first with per-channel scales


class Pictures(CalibrationDataReader):
    """Random images with the size and range of the network's profile."""

    def __init__(self) -> None:
        self._left = self._made()

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch of one, or None."""
        return next(self._left, None)

    def _made(self) -> Iterator[dict[str, Any]]:
        random = np.random.default_rng(SEED)
        for _ in range(PICTURES):
            yield {"input_tensor:0": random.uniform(-120, 150, (1, 3, 224, 224)).astype(np.float32)}


if __name__ == "__main__":
    floats = Path("floats.onnx")
    floats.write_bytes(resnet50(OPSET).SerializeToString())
    quantize_static(
        floats,
        "resnet50.onnx",
        Pictures(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    floats.unlink()
