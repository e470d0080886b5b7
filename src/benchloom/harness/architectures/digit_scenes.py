"""The network of digit scenes: a small single-shot detector whose graph ends in detections, one RGB image of 300 x 300 pixels.

A stem quarters the image, separable convolutions halve it three times more; what the coarse maps know is added to the
finer ones; three maps of cells give, for each of two anchors a cell, ten raw scores and a box. Decoding and suppression
are part of the graph, for any number of images.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 10
SIDE = 300
WIDTHS = (32, 64, 128, 160)  # channels at 75, 38, 19 and 10 pixels
BLOCKS = (3, 3, 3)  # that keep the size, at 38, 19 and 10 pixels
SHARED = 96  # channels of the maps that see the anchors
GRIDS = (38, 19, 10)
HEIGHTS = ((30.0, 44.0), (64.0, 90.0), (122.0, 165.0))  # of the anchors, pixels
ASPECT = 0.8  # of the anchors, width by height
VARIANCES = (0.1, 0.2)  # of middles and of sides, as parts of the anchor
CANDIDATES = 100
DETECTIONS = 50
OVERLAP = 0.5  # intersection over union from which the better of two boxes of a class remains
LEAST_SCORE = 0.02
ROUNDS = 16


class Separable(nn.Module):
    """A 3 x 3 convolution of each plane, then one across planes, with batch norm; a shortcut if the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride=stride, padding=1, groups=inputs, bias=False)
        self.norm1 = nn.BatchNorm2d(inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, images: Tensor) -> Tensor:
        """Map N x inputs x H x W to N x outputs x H' x W'."""
        inner = torch.relu(self.norm1(self.depthwise(images)))
        outer = torch.relu(self.norm2(self.pointwise(inner)))
        return outer + images if self.shortcut else outer


class Head(nn.Module):
    """Raw scores and box offsets of the anchors of one map."""

    def __init__(self, grid: int, anchors: int) -> None:
        super().__init__()
        self.shared = Separable(SHARED, SHARED)
        self.count = grid * grid * anchors
        self.scores = nn.Conv2d(SHARED, anchors * CLASSES, 1)
        self.offsets = nn.Conv2d(SHARED, anchors * 4, 1)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Map N x SHARED x G x G to N x A x CLASSES and N x A x 4, anchors row by row."""
        inner = self.shared(planes)
        return self._by_anchor(self.scores(inner), CLASSES), self._by_anchor(self.offsets(inner), 4)

    def _by_anchor(self, planes: Tensor, values: int) -> Tensor:
        """Map N x (anchors * values) x G x G to N x A x values; A is a constant of the graph, so that N stays free."""
        return planes.permute(0, 2, 3, 1).reshape(-1, self.count, values)


class DigitScenesNetwork(nn.Module):
    """Backbone, maps and heads; ``raw`` is what is trained, ``forward`` what a benchmark measures."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0], 7, stride=4, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(WIDTHS[0])
        pairs = zip(WIDTHS[:-1], WIDTHS[1:], BLOCKS, strict=True)
        self.stages = nn.ModuleList(_stage(inputs, outputs, blocks) for inputs, outputs, blocks in pairs)
        self.laterals = nn.ModuleList(nn.Conv2d(width, SHARED, 1) for width in WIDTHS[1:])
        self.heads = nn.ModuleList(Head(grid, len(heights)) for grid, heights in zip(GRIDS, HEIGHTS, strict=True))
        self.register_buffer("anchors", anchors(), persistent=False)
        self.register_buffer("earlier", torch.ones(CANDIDATES, CANDIDATES).triu(1), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map N x 3 x 300 x 300 (RGB, -1 to 1) to boxes, labels and scores of ``DETECTIONS`` rows, best first.

        Boxes (N x K x 4) are ymin, xmin, ymax, xmax as parts of the sides, 0 to 1; labels (N x K) are floats from 1 to
        10. Rows without a detection are 0 throughout.
        """
        logits, offsets = self.raw(images)
        best, classes = logits.max(2)
        top, rows = best.topk(CANDIDATES, 1)
        boxes = decode(offsets.gather(1, rows.unsqueeze(2).expand(-1, -1, 4)), self.anchors[rows]).clamp(0, 1)
        labels = classes.gather(1, rows).float() + 1
        scores = torch.sigmoid(top)
        kept = scores * self._survivors(boxes, labels) * (scores > LEAST_SCORE).float()
        scores, order = kept.topk(DETECTIONS, 1)
        shown = (scores > 0).float()
        boxes = boxes.gather(1, order.unsqueeze(2).expand(-1, -1, 4)) * shown.unsqueeze(2)
        return boxes, labels.gather(1, order) * shown, scores

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images to raw scores (N x A x 10) and box offsets (N x A x 4) of all anchors."""
        planes = torch.relu(self.norm(self.stem(images)))
        found = []
        for stage in self.stages:
            planes = stage(planes)
            found.append(planes)
        maps = [lateral(planes) for lateral, planes in zip(self.laterals, found, strict=True)]
        for level in (1, 0):
            maps[level] = maps[level] + functional.interpolate(maps[level + 1], size=(GRIDS[level], GRIDS[level]))
        scores, offsets = zip(
            *(head(torch.relu(item)) for head, item in zip(self.heads, maps, strict=True)), strict=True
        )
        return torch.cat(scores, 1), torch.cat(offsets, 1)

    def _survivors(self, boxes: Tensor, labels: Tensor) -> Tensor:
        """1 for each candidate (N x T, best first) that no better survivor of its class overlaps, else 0.

        Each round decides every candidate anew from those that survived the last; a candidate is final once all better
        ones that overlap it are, so ``ROUNDS`` is the longest chain of overlaps that is suppressed as one by one.
        """
        same = (labels.unsqueeze(2) == labels.unsqueeze(1)).float()
        suppresses = _overlapping(boxes).float() * same * self.earlier
        kept = torch.ones_like(labels).unsqueeze(1)
        for _ in range(ROUNDS):
            kept = (torch.matmul(kept, suppresses) < 0.5).float()
        return kept.squeeze(1)


def anchors() -> Tensor:
    """Return middle y, middle x, height and width of all anchors (A x 4), as parts of the sides."""
    rows = []
    for grid, heights in zip(GRIDS, HEIGHTS, strict=True):
        middles = (torch.arange(grid) + 0.5) / grid
        y, x = torch.meshgrid(middles, middles, indexing="ij")
        sides = torch.tensor([[height / SIDE, height * ASPECT / SIDE] for height in heights])
        cells = torch.stack([y, x], 2).reshape(-1, 1, 2).expand(-1, len(heights), 2)
        rows.append(torch.cat([cells, sides.expand(len(cells), -1, 2)], 2).reshape(-1, 4))
    return torch.cat(rows)


def decode(offsets: Tensor, around: Tensor) -> Tensor:
    """Return ymin, xmin, ymax, xmax (... x 4) of boxes given as offsets from anchors."""
    middles = around[..., :2] + offsets[..., :2] * around[..., 2:] * VARIANCES[0]
    halves = around[..., 2:] * torch.exp(offsets[..., 2:] * VARIANCES[1]) / 2
    return torch.cat([middles - halves, middles + halves], -1)


def build() -> nn.Module:
    """Return the network with weights that are still to be loaded."""
    return DigitScenesNetwork()


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Module:
    return nn.Sequential(Separable(inputs, outputs, 2), *(Separable(outputs, outputs) for _ in range(blocks)))


def _overlapping(boxes: Tensor) -> Tensor:
    """Whether each two boxes (N x T x T) overlap by more than ``OVERLAP``."""
    first, second = boxes.unsqueeze(2), boxes.unsqueeze(1)
    sides = (torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])).clamp(
        min=0
    )
    shared = sides[..., 0] * sides[..., 1]
    lengths = boxes[..., 2:] - boxes[..., :2]
    areas = lengths[..., 0] * lengths[..., 1]
    return shared > OVERLAP * (areas.unsqueeze(2) + areas.unsqueeze(1) - shared)
