"""SSD-ResNet-34 for COCO at 1200 x 1200, with the parameter names of MLPerf's PyTorch file.

Names, anchors, box coding and thresholds: MLPerf Inference r1.0, vision/classification_and_detection/python/models,
ssd_r34.py and base_model_r34.py (which takes the first layers of torchvision's ResNet-34, the last of them without its
stride).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from benchloom.harness.architectures.suppression import padded, remaining

CLASSES = 81  # 0 is the background; the others count COCO's categories
SCORE = 0.05  # a box is kept above it
OVERLAP = 0.5  # intersection over union from which the better of two boxes of a class remains
DETECTIONS = 200  # at most, of a class and of an image
VARIANCES = (0.1, 0.2)  # of middles and of sides, as parts of the anchor
SIDE = 1200
BLOCKS = ((64, 64, 3, 1), (64, 128, 4, 2), (128, 256, 6, 1))  # inputs, outputs, blocks and stride of the stages
WIDTHS = (256, 512, 512, 256, 256, 256)  # channels of the maps with anchors
EXTRAS = ((256, 2, 1), (256, 2, 1), (128, 2, 1), (128, 2, 0), (128, 1, 0))  # inner channels, stride and padding
MAPS = (50, 25, 13, 7, 3, 3)  # cells along a side of those maps, behind a stride of 3
SIZES = (21, 45, 99, 153, 207, 261, 315)  # of anchors, in pixels of an image of 300 x 300
RATIOS = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))  # of long side to short side, beside the squares

# Classes that such a file names, beside those of torch.
PICKLED_CLASSES = (
    "models.ssd_r34.SSD_R34",
    "models.ssd_r34.Encoder",
    "models.base_model_r34.ResNet34",
    "torchvision.models.resnet.BasicBlock",
)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if inputs != outputs:  # a block without it has no such names
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample: nn.Module | None = nn.Sequential(projection, nn.BatchNorm2d(outputs))
        else:
            self.downsample = None

    def forward(self, planes: Tensor) -> Tensor:
        """Map N x inputs x H x W to N x outputs x H' x W'."""
        shortcut = planes if self.downsample is None else self.downsample(planes)
        inner = torch.relu(self.bn1(self.conv1(planes)))
        return torch.relu(self.bn2(self.conv2(inner)) + shortcut)


class Backbone(nn.Module):
    """ResNet-34 up to its third stage: ``layer1`` is the stem and two stages, ``layer2`` the third."""

    def __init__(self) -> None:
        super().__init__()
        stem = (
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        first, second, third = (_stage(*facts) for facts in BLOCKS)
        self.layer1 = nn.Sequential(*stem, first, second)
        self.layer2 = nn.Sequential(third)

    def forward(self, images: Tensor) -> Tensor:
        """Map N x 3 x 1200 x 1200 to N x 256 x 150 x 150."""
        return self.layer2(self.layer1(images))


class SSDResNet34(nn.Module):
    """Backbone, five layers behind it and six pairs of heads; what they find is decoded and suppressed on the CPU."""

    anchors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.model = Backbone()
        self.additional_blocks = nn.ModuleList(
            _extra(inputs, outputs, *facts) for (inputs, outputs), facts in zip(pairwise(WIDTHS), EXTRAS, strict=True)
        )
        counts = [2 + 2 * len(ratios) for ratios in RATIOS]
        heads = list(zip(WIDTHS, counts, strict=True))
        self.loc = nn.ModuleList(nn.Conv2d(width, count * 4, 3, stride=3, padding=1) for width, count in heads)
        self.conf = nn.ModuleList(nn.Conv2d(width, count * CLASSES, 3, stride=3, padding=1) for width, count in heads)
        self.register_buffer("anchors", anchors(), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map N x 3 x 1200 x 1200 (RGB, normalised) to boxes (N x D x 4), labels (N x D) and scores (N x D).

        Boxes are xmin, ymin, xmax, ymax as parts of the sides; labels count categories from 1; scores are above
        ``SCORE`` and rise.
        """
        scores, boxes = (item.cpu() for item in self.raw(images))
        found = [_detections(one, other) for one, other in zip(torch.softmax(scores, -1), boxes, strict=True)]
        return padded(*zip(*found, strict=True))

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images to raw scores (N x 15130 x 81) and boxes (N x 15130 x 4) of all anchors."""
        maps = [self.model(images)]
        for layer in self.additional_blocks:
            maps.append(layer(maps[-1]))
        offsets = [_by_anchor(head(item), 4) for head, item in zip(self.loc, maps, strict=True)]
        scores = [_by_anchor(head(item), CLASSES) for head, item in zip(self.conf, maps, strict=True)]
        return torch.cat(scores, 1), decode(torch.cat(offsets, 1), self.anchors)


def anchors() -> Tensor:
    """Return middle x, middle y, width and height of all anchors (15130 x 4), 0 to 1; shapes change slower than cells, rows slower than columns."""
    found = []
    for number, (cells, ratios) in enumerate(zip(MAPS, RATIOS, strict=True)):
        # The map before the heads' stride counts, in whole pixels of the image.
        along = SIDE // (SIDE // cells)
        middles = [(place + 0.5) / along for place in range(cells)]
        for width, height in _shapes(number, ratios):
            found += [(x, y, width, height) for y in middles for x in middles]
    return torch.tensor(found, dtype=torch.float32).clamp(0, 1)


def decode(offsets: Tensor, around: Tensor) -> Tensor:
    """Return xmin, ymin, xmax and ymax (N x A x 4) of boxes given as offsets from anchors (A x 4)."""
    middles = VARIANCES[0] * offsets[..., :2] * around[:, 2:] + around[:, :2]
    halves = 0.5 * ((VARIANCES[1] * offsets[..., 2:]).exp() * around[:, 2:])
    return torch.cat([middles - halves, middles + halves], -1)


def build() -> nn.Module:
    """Return the network with weights that are still to be loaded."""
    return SSDResNet34()


def _stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Module:
    return nn.Sequential(
        BasicBlock(inputs, outputs, stride), *(BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1))
    )


def _extra(inputs: int, outputs: int, inner: int, stride: int, padding: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, inner, 1),
        nn.ReLU(),
        nn.Conv2d(inner, outputs, 3, stride=stride, padding=padding),
        nn.ReLU(),
    )


def _shapes(number: int, ratios: tuple[int, ...]) -> list[tuple[float, float]]:
    """Width and height of the anchors of a cell: two squares, then each ratio lying and standing."""
    size, following = (int(SIZES[place] * SIDE / 300) / SIDE for place in (number, number + 1))
    between = (size * following) ** 0.5
    found = [(size, size), (between, between)]
    for ratio in ratios:
        long, short = size * ratio**0.5, size / ratio**0.5
        found += [(long, short), (short, long)]
    return found


def _by_anchor(planes: Tensor, values: int) -> Tensor:
    """Map N x (values * shapes) x H x W to N x A x values."""
    return planes.reshape(len(planes), values, -1).transpose(1, 2)


def _detections(scores: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return boxes, labels and scores of one image from the scores (A x 81) and boxes (A x 4) of all anchors."""
    # A quotient that is not a number suppresses, too: the reference keeps what is below the bound.
    places, labels = remaining(scores, boxes, lambda items: ~(_overlap(items) < OVERLAP), above=SCORE, most=DETECTIONS)
    found = scores[places, labels]
    last = torch.argsort(found, stable=True)[-DETECTIONS:]
    return boxes[places[last]], labels[last], found[last]


def _overlap(boxes: Tensor) -> Tensor:
    """Intersection over union of each two boxes (N x N) as the reference has it.

    Its sides are not held above 0 (the clamped copy is dropped there), so that two boxes apart along both axes count as
    if they shared what lies between them. That is part of the accuracy which is published.
    """
    first, second = boxes[:, None], boxes[None]
    shared = (torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])).prod(-1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return shared / (areas[:, None] + areas - shared)
