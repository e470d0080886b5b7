"""ResNet-50 in eight bits as torchvision's eager quantisation made it in 2021: modules fused, observed, converted, traced.

MLPerf's file of row 4 was written so (tools/calibrate_torchvision_model.py of r1.1); the weights and the calibration are given.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.ao.nn.quantized import FloatFunctional
from torch.ao.quantization import (
    DeQuantStub,
    MinMaxObserver,
    QConfig,
    QuantStub,
    convert,
    default_per_channel_weight_observer,
    fuse_modules,
    prepare,
)


class _Block(nn.Module):
    """A block of which each sum and activation is a module, as eager quantisation needs it."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu1 = block.conv1, block.bn1, nn.ReLU()
        self.conv2, self.bn2, self.relu2 = block.conv2, block.bn2, nn.ReLU()
        self.conv3, self.bn3 = block.conv3, block.bn3
        self.downsample = block.downsample
        self.skip_add_relu = FloatFunctional()
        fuse_modules(
            self.eval(), [["conv1", "bn1", "relu1"], ["conv2", "bn2", "relu2"], ["conv3", "bn3"]], inplace=True
        )
        if self.downsample is not None:
            fuse_modules(self.downsample, ["0", "1"], inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(images))))))))
        return self.skip_add_relu.add_relu(inner, images if self.downsample is None else self.downsample(images))


class _Quantisable(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.conv1, self.bn1, self.relu, self.maxpool = network.conv1, network.bn1, nn.ReLU(), network.maxpool
        stages = (network.layer1, network.layer2, network.layer3, network.layer4)
        self.layer1, self.layer2, self.layer3, self.layer4 = (nn.Sequential(*map(_Block, stage)) for stage in stages)
        self.avgpool, self.fc = network.avgpool, network.fc
        fuse_modules(self.eval(), ["conv1", "bn1", "relu"], inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        planes = self.maxpool(self.relu(self.bn1(self.conv1(self.quant(images)))))
        planes = self.avgpool(self.layer4(self.layer3(self.layer2(self.layer1(planes)))))
        return self.dequant(self.fc(torch.flatten(planes, 1)))


def save_quantised(network: nn.Module, pictures: Iterable[Tensor], file: Path) -> None:
    """Write the network, calibrated with ``pictures`` (each 1 x 3 x 224 x 224), traced with one of them."""
    torch.backends.quantized.engine = "fbgemm"
    quantised: Any = _Quantisable(network.eval())
    activations = MinMaxObserver.with_args(dtype=torch.quint8, reduce_range=True)
    quantised.qconfig = QConfig(activation=activations, weight=default_per_channel_weight_observer)
    prepare(quantised, inplace=True)
    with torch.inference_mode():
        for picture in pictures:
            quantised(picture)
    convert(quantised, inplace=True)
    torch.jit.save(torch.jit.trace(quantised, torch.zeros(1, 3, 224, 224)), str(file))
