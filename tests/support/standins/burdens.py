"""The weights and the work of the real networks, layer by layer, for stand-ins that are as large as what they stand for.

A planted network is a few sums. Where LOOM_TEST_FULL_SIZE is set, it also carries convolutions of the real network's shapes with random
weights, and adds a billionth of the mean of what they give to what it answers from. Shortcuts are left out: they have no weights.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

SHARE = 1e-9


class Layer(NamedTuple):
    """A convolution of ``width`` x ``width`` with a rectifier; without ``outputs``, one for each channel."""

    outputs: int | None
    width: int
    stride: int = 1


# Outputs and strides of MobileNet-v1's thirteen separable blocks.
_SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


def _mobilenet(head: int) -> Iterator[Layer]:
    yield Layer(32, 3, 2)
    for outputs, stride in _SEPARABLE:
        yield Layer(None, 3, stride)
        yield Layer(outputs, 1)
    yield Layer(head, 1)


def _resnet50() -> Iterator[Layer]:
    yield Layer(64, 7, 4)
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            yield from (Layer(width, 1), Layer(width, 3, 2 if stage and not block else 1), Layer(4 * width, 1))
    yield Layer(2368, 1)  # the classes, and the weights of four shortcuts


def _ssd_resnet34() -> Iterator[Layer]:
    yield Layer(64, 7, 4)
    for width, convolutions, stride in ((64, 6, 1), (128, 8, 2), (256, 12, 1)):
        for number in range(convolutions):
            yield Layer(width, 3, 1 if number else stride)
    yield from (Layer(512, 3, 2), Layer(1024, 3, 2), Layer(640, 3, 2))  # further maps and the heads


_LAYERS = {
    "mobilenet": tuple(_mobilenet(1001)),  # 4.2 million weights
    "resnet50": tuple(_resnet50()),  # 25.6 million
    "ssd-mobilenet": tuple(_mobilenet(3540)),  # 6.8 million, as the published file of row 14
    "ssd-resnet34": tuple(_ssd_resnet34()),  # 20 million
}


def burden(name: str) -> tuple[Layer, ...]:
    """Return the layers of the network ``name``; none unless stand-ins of the real size are asked for."""
    return _LAYERS[name] if os.environ.get("LOOM_TEST_FULL_SIZE") else ()
