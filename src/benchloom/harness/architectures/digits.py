"""The digits network: a small residual network for one gray image of 32 x 32 pixels."""

import torch
from torch import Tensor, nn

CLASSES = 10
WIDTHS = (16, 48, 80)


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm and a shortcut; a wider block halves height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity() if stride == 1 else _projection(inputs, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Map N x inputs x H x W to N x outputs x H' x W'."""
        inner = torch.relu(self.norm1(self.conv1(images)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.shortcut(images))


class DigitsNetwork(nn.Module):
    """A stem, one residual block per width (32, 16 and 8 pixels wide), an average over each plane and ten scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, WIDTHS[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(WIDTHS[0])
        inputs = (WIDTHS[0], *WIDTHS[:-1])
        self.blocks = nn.Sequential(*(Block(*pair) for pair in zip(inputs, WIDTHS, strict=True)))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.scores = nn.Linear(WIDTHS[-1], CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map N x 1 x 32 x 32 (values -1 to 1) to N x 10 raw scores."""
        planes = self.blocks(torch.relu(self.norm(self.stem(images))))
        return self.scores(torch.flatten(self.pool(planes), 1))


def build() -> nn.Module:
    """Return the network with weights that are still to be loaded."""
    return DigitsNetwork()


def _projection(inputs: int, outputs: int) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
