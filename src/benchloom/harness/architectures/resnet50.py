"""ResNet-50 v1.5 for ImageNet, with the parameter names of torchvision's files.

The 3 x 3 convolution of a block has its stride; that is what makes it v1.5.
"""

import torch
from torch import Tensor, nn

CLASSES = 1000
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
EXPANSION = 4


class Bottleneck(nn.Module):
    """Three convolutions, each with batch norm, and a shortcut; ``width`` planes inside, four times as many outside."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        if inputs != outputs:  # a block without it has no such names
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample: nn.Module | None = nn.Sequential(projection, nn.BatchNorm2d(outputs))
        else:
            self.downsample = None

    def forward(self, images: Tensor) -> Tensor:
        """Map N x inputs x H x W to N x 4 width x H' x W'."""
        shortcut = images if self.downsample is None else self.downsample(images)
        inner = torch.relu(self.bn1(self.conv1(images)))
        inner = torch.relu(self.bn2(self.conv2(inner)))
        return torch.relu(self.bn3(self.conv3(inner)) + shortcut)


class ResNet50(nn.Module):
    """A stem, four stages of 3, 4, 6 and 3 blocks, an average over each plane and a score for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = (64, *(width * EXPANSION for width, _ in STAGES[:-1]))
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(size, width, blocks, 1 if stage == 0 else 2)
            for stage, (size, (width, blocks)) in enumerate(zip(inputs, STAGES, strict=True))
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(STAGES[-1][0] * EXPANSION, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map N x 3 x 224 x 224 to N x 1000 raw scores."""
        planes = self.maxpool(torch.relu(self.bn1(self.conv1(images))))
        planes = self.layer4(self.layer3(self.layer2(self.layer1(planes))))
        return self.fc(torch.flatten(self.avgpool(planes), 1))


def build() -> nn.Module:
    """Return the network with weights that are still to be loaded."""
    return ResNet50()


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, width, stride)
    return nn.Sequential(first, *(Bottleneck(width * EXPANSION, width, 1) for _ in range(blocks - 1)))
