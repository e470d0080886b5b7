"""SSD-MobileNet-v1 for COCO at 300 x 300, with the parameter names of MLPerf's PyTorch file.

Names, anchors, box coding and thresholds: MLPerf Inference r1.0, vision/classification_and_detection/python/models,
ssd_mobilenet_v1.py, anchor_generator.py and utils.py. Batch norms are folded: what is left of one is a bias, with a
scale before it if the convolution is by channel.
"""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchloom.harness.architectures.suppression import padded, remaining

CLASSES = 91  # 0 is the background; the others are COCO's category ids
SCORE = 0.3  # a box is kept above it
OVERLAP = 0.6  # intersection over union above which the better of two boxes of a class remains
EPSILON = 1e-5  # in the denominator of that quotient
CODING = (10.0, 10.0, 5.0, 5.0)  # what offsets of middle y, middle x, height and width are divided by
# Channels of the 14 layers of the backbone after the first 32, and those that halve the map.
WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
HALVING = (2, 4, 6, 12)
SEEN = (11, 13)  # layers whose maps have anchors
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))  # inner and outer channels of the layers behind the backbone
MAPS = (19, 10, 5, 3, 2, 1)  # cells along a side of the maps with anchors
SCALES = tuple(0.2 + 0.75 * number / 5 for number in range(6))
RATIOS = (1.0, 2.0, 1 / 2, 3.0, 1 / 3)  # width by height

# Classes that such a file names, beside those of torch.
PICKLED_CLASSES = (
    "models.ssd_mobilenet_v1.SSD",
    "models.ssd_mobilenet_v1.MobileNetV1Base",
    "models.ssd_mobilenet_v1.Block",
    "models.ssd_mobilenet_v1.PredictionHead",
    "models.utils.Conv2d_tf",
    "models.utils.BatchNorm2d",
    "models.utils.BiasAdd",
)


class SameConvolution(nn.Conv2d):
    """A convolution padded as TensorFlow does: if the padding is odd, the end gets one more than the beginning."""

    def forward(self, images: Tensor) -> Tensor:
        """Map N x C x H x W to N x C' x ceil(H / stride) x ceil(W / stride)."""
        rows, columns = (self._padding(images.shape[axis], axis - 2) for axis in (2, 3))
        if rows % 2 or columns % 2:
            images = functional.pad(images, (0, columns % 2, 0, rows % 2))
        around = (rows // 2, columns // 2)
        return functional.conv2d(images, self.weight, self.bias, self.stride, around, groups=self.groups)

    def _padding(self, size: int, axis: int) -> int:
        kernel, stride = int(self.kernel_size[axis]), int(self.stride[axis])
        needed = (-(-size // stride) - 1) * stride + kernel
        return max(0, needed - size)


class Bias(nn.Module):
    """What is left of a batch norm: a number to add for each channel."""

    bias: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("bias", torch.zeros(channels))

    def forward(self, planes: Tensor) -> Tensor:
        """Map N x C x H x W to the same shape."""
        return planes + self.bias.view(1, -1, 1, 1)


class ScaleAndBias(Bias):
    """What is left of a batch norm that cannot be folded into the weights before it."""

    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.register_buffer("scale", torch.ones(channels))

    def forward(self, planes: Tensor) -> Tensor:
        """Map N x C x H x W to the same shape."""
        return planes * self.scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class Head(nn.Module):
    """Raw scores and box offsets of the anchors of one map."""

    def __init__(self, inputs: int, anchors: int) -> None:
        super().__init__()
        self.classification = nn.Conv2d(inputs, anchors * CLASSES, 1)
        self.regression = nn.Conv2d(inputs, anchors * 4, 1)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Map N x inputs x H x W to N x A x 91 and N x A x 4, cell by cell."""
        return _by_anchor(self.classification(planes), CLASSES), _by_anchor(self.regression(planes), 4)


class SSDMobileNet(nn.Module):
    """Backbone, four layers behind it and six heads; what they find is decoded and suppressed on the CPU."""

    anchors: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers = [_first(WIDTHS[0])]
        for number, (inputs, outputs) in enumerate(pairwise(WIDTHS), 1):
            layers.append(_separable(inputs, outputs, 2 if number in HALVING else 1))
        self.backbone = nn.ModuleList(layers)
        widths = (WIDTHS[-1], *(outer for _, outer in EXTRAS))
        self.extras = nn.ModuleList(
            _extra(inputs, inner, outer) for inputs, (inner, outer) in zip(widths[:-1], EXTRAS, strict=True)
        )
        heads = zip((WIDTHS[SEEN[0]], *widths), (3, 6, 6, 6, 6, 6), strict=True)
        self.predictors = nn.ModuleList(Head(inputs, count) for inputs, count in heads)
        self.register_buffer("anchors", anchors(), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map N x 3 x 300 x 300 (RGB, -1 to 1) to boxes (N x D x 4), labels (N x D) and scores (N x D).

        Boxes are xmin, ymin, xmax, ymax as parts of the sides; scores are above ``SCORE``, class by class and falling
        within one.
        """
        scores, boxes = (item.cpu() for item in self.raw(images))
        found = [_detections(one, other) for one, other in zip(torch.sigmoid(scores), boxes, strict=True)]
        return padded(*zip(*found, strict=True))

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images to raw scores (N x 1917 x 91) and boxes (N x 1917 x 4) of all anchors."""
        maps, planes = [], images
        for number, layer in enumerate(self.backbone):
            planes = layer(planes)
            if number in SEEN:
                maps.append(planes)
        for layer in self.extras:
            planes = layer(planes)
            maps.append(planes)
        scores, offsets = zip(*(head(item) for head, item in zip(self.predictors, maps, strict=True)), strict=True)
        return torch.cat(scores, 1), decode(torch.cat(offsets, 1), self.anchors)


def anchors() -> Tensor:
    """Return ymin, xmin, ymax and xmax of all anchors (1917 x 4), as parts of the sides; the map changes slowest, the shape fastest."""
    found = []
    for number, size in enumerate(MAPS):
        scales, ratios = torch.tensor(_shapes(number), dtype=torch.float32).T
        sides = torch.stack([scales / ratios.sqrt(), scales * ratios.sqrt()], 1)
        middles = torch.arange(size, dtype=torch.float32) * (1 / size) + 0.5 * (1 / size)
        grid = torch.stack(torch.meshgrid(middles, middles, indexing="ij"), 2).reshape(-1, 1, 2)
        found.append(torch.cat([grid - 0.5 * sides, grid + 0.5 * sides], 2).reshape(-1, 4))
    return torch.cat(found)


def decode(offsets: Tensor, around: Tensor) -> Tensor:
    """Return xmin, ymin, xmax and ymax (N x A x 4) of boxes given as offsets from anchors (A x 4)."""
    sides = around[:, 2:] - around[:, :2]
    middles = around[:, :2] + 0.5 * sides
    relative = offsets / offsets.new_tensor(CODING)
    centre = relative[..., :2] * sides + middles
    half = 0.5 * (torch.exp(relative[..., 2:]) * sides)
    return torch.cat([(centre - half).flip(-1), (centre + half).flip(-1)], -1)


def build() -> nn.Module:
    """Return the network with weights that are still to be loaded."""
    return SSDMobileNet()


def _shapes(number: int) -> list[tuple[float, float]]:
    """Scale and aspect ratio of the anchors of a cell; the first map has three, and its first is smaller."""
    scale, following = SCALES[number], (*SCALES, 1.0)[number + 1]
    if number == 0:
        return [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
    return [*((scale, ratio) for ratio in RATIOS), ((scale * following) ** 0.5, 1.0)]


def _first(outputs: int) -> nn.Module:
    layers = [
        ("0", SameConvolution(3, outputs, 3, stride=2, bias=False)),
        ("0/BatchNorm", Bias(outputs)),
        ("0/ReLU", nn.ReLU6()),
    ]
    return nn.Sequential(OrderedDict(layers))


def _separable(inputs: int, outputs: int, stride: int) -> nn.Module:
    layers = [
        ("depthwise", SameConvolution(inputs, inputs, 3, stride=stride, groups=inputs, bias=False)),
        ("depthwise/BatchNorm", ScaleAndBias(inputs)),
        ("depthwise/ReLU", nn.ReLU6()),
        ("pointwise", nn.Conv2d(inputs, outputs, 1, bias=False)),
        ("pointwise/BatchNorm", Bias(outputs)),
        ("pointwise/ReLU", nn.ReLU6()),
    ]
    return nn.Sequential(OrderedDict(layers))


def _extra(inputs: int, inner: int, outer: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, inner, 1), nn.ReLU6(), SameConvolution(inner, outer, 3, stride=2), nn.ReLU6()
    )


def _by_anchor(planes: Tensor, values: int) -> Tensor:
    return planes.permute(0, 2, 3, 1).reshape(len(planes), -1, values)


def _detections(scores: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return boxes, labels and scores of one image from the scores (A x 91) and boxes (A x 4) of all anchors."""
    places, labels = remaining(scores, boxes, lambda items: _overlap(items) > OVERLAP, above=SCORE)
    return boxes[places], labels, scores[places, labels]


def _overlap(boxes: Tensor) -> Tensor:
    """Intersection over union of each two boxes (N x N)."""
    first, second = boxes[:, None], boxes[None]
    inner = (torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])).clamp(0)
    shared = inner.prod(-1)
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(0).prod(-1)
    return shared / (areas[:, None] + areas - shared + EPSILON)
