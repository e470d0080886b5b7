"""Whole networks pickled by torch.save, as MLPerf's two PyTorch files are: the classes they name are the reference's.

Both have weights of zero but for a path from the colours to the boxes that ``detectors`` describes. A ladder's step for each level that
a picture may have makes whole numbers of colours that JPEG has moved.
"""

import linecache
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from benchloom.harness.architectures import ssd_mobilenet_v1, ssd_resnet34
from support.standins.detectors import FIXED, GRID, HEIGHT, LEVEL, MISTAKEN, NORMALISED, SURE, WIDTH, Colours

UNSURE = 0.45  # the score of the second box; that of the third is below the network's own threshold
RISE = 0.6  # of a level: how far a step climbs
NEVER = -20.0  # a raw score that no threshold is below
BLUES = range(13, 22)  # label 13 and on: a label is its step less the next
# Levels of red (0), green (1) and blue (2) at whose foot a step is.
LEVELS = (range(1, 9), range(9, 14), BLUES)
STEPS = [(colour, level) for colour, levels in enumerate(LEVELS) for level in levels]
GREEN_BEFORE = 8  # levels of green below its first step
ONE = 30  # a channel that is always 1
NORMALISED_BYTES = Colours(mean=(127.5,) * 3, deviation=(127.5,) * 3)


def logit(score: float) -> float:
    """Return the raw score of which a sigmoid makes ``score``."""
    return log(score / (1 - score))


@dataclass(frozen=True)
class Cell:
    """The heads of one cell: ``scores`` and ``offsets`` are convolutions, ``full`` is a step that has risen.

    ``anchors`` are middle y, middle x, height and width of the cell's anchors, ``variances`` what offsets of middles and sides are
    multiplied by. ``score_of`` and ``offset_of`` give channels: of an anchor and a label, and of an anchor and a coordinate.
    """

    scores: nn.Conv2d
    offsets: nn.Conv2d
    anchors: torch.Tensor
    variances: tuple[float, float]
    full: float
    middle: int
    score_of: Any
    offset_of: Any

    def plant(self, third: float) -> None:
        """Make the first three anchors answer with the three boxes."""
        nn.init.constant_(self.scores.bias, NEVER)
        self._labels(0, 0, SURE)
        nn.init.constant_(self.scores.bias[self.score_of(1, 1)], logit(UNSURE))
        self._labels(2, MISTAKEN, third)
        for anchor in (0, 2):
            self._box(anchor, (0.0, GREEN_BEFORE / GRID, HEIGHT, GREEN_BEFORE / GRID + WIDTH), moves=True)
        self._box(1, FIXED, moves=False)

    def _labels(self, anchor: int, further: int, score: float) -> None:
        rise = (logit(score) - NEVER) / self.full
        for place, (colour, level) in enumerate(STEPS):
            if colour == 2:
                self._weigh(self.scores, self.score_of(anchor, level + further), place, rise)
                if level > BLUES[0]:
                    self._weigh(self.scores, self.score_of(anchor, level + further - 1), place, -rise)

    def _box(self, anchor: int, corners: Sequence[float], *, moves: bool) -> None:
        top, left, bottom, right = corners
        middles, sides = ((top + bottom) / 2, (left + right) / 2), (bottom - top, right - left)
        for axis in (0, 1):
            at, side = (float(self.anchors[anchor, axis + shift]) for shift in (0, 2))
            unit = side * self.variances[0]
            self.offsets.bias.data[self.offset_of(anchor, axis)] = (middles[axis] - at) / unit
            self.offsets.bias.data[self.offset_of(anchor, axis + 2)] = log(sides[axis] / side) / self.variances[1]
            for place, (colour, _) in enumerate(STEPS):
                if moves and colour == axis:
                    self._weigh(self.offsets, self.offset_of(anchor, axis), place, 1 / GRID / unit / self.full)

    def _weigh(self, layer: nn.Conv2d, channel: int, place: int, weight: float) -> None:
        layer.weight.data[channel, place, self.middle, self.middle] = weight


def planted_mobilenet() -> nn.Module:
    """SSD-MobileNet whose last map, of one cell, has the boxes. Steps are full at 6, where its activations end."""
    network = _empty(ssd_mobilenet_v1.build())
    first = network.backbone[0]
    for place, (weight, bias, colour) in enumerate(_ramps(NORMALISED_BYTES)):
        first.get_submodule("0").weight.data[place, colour, 1, 1] = 6 * weight
        first.get_submodule("0/BatchNorm").bias[place] = 6 * bias
    for layer in network.backbone[1:]:
        layer.depthwise.weight.data[:, 0, 1, 1] = 1
        nn.init.ones_(layer.get_submodule("depthwise/BatchNorm").scale)
        _pass_on(layer.pointwise)
    for layer in network.extras:
        _pass_on(layer[0])
        _pass_on(layer[2])
    for head in network.predictors:
        nn.init.constant_(head.classification.bias, NEVER)
    corners = network.anchors[-6:]
    around = torch.cat([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], 1)
    head, classes = network.predictors[-1], ssd_mobilenet_v1.CLASSES
    Cell(
        scores=head.classification,
        offsets=head.regression,
        anchors=around,
        variances=(0.1, 0.2),
        full=6.0,
        middle=0,
        score_of=lambda anchor, label: anchor * classes + label,
        offset_of=lambda anchor, coordinate: anchor * 4 + coordinate,
    ).plant(0.2)
    return network


def planted_resnet34() -> nn.Module:
    """SSD-ResNet-34 whose last map has the boxes in its first cell: what is above or left of another counts against it."""
    network = _empty(ssd_resnet34.build())
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_var.fill_(1 - layer.eps)
    stem = network.model.layer1
    for place, (weight, bias, colour) in enumerate(_ramps(NORMALISED)):
        stem[0].weight.data[place, colour, 3, 3] = 1
        stem[1].weight.data[place] = weight
        stem[1].bias.data[place] = bias
    for block in (stem[5][0], network.model.layer2[0][0]):
        _pass_on(block.downsample[0])
        nn.init.ones_(block.downsample[1].weight)
    clamp, *others = network.additional_blocks
    for layer in (clamp[0], clamp[2]):
        _pass_on(layer, -1)
        layer.bias.data[: len(STEPS)] = 1
    clamp[2].bias.data[ONE] = 1
    for block in others:
        _pass_on(block[0])
        _pass_on(block[2])
    for scores in network.conf:
        scores.bias.data[scores.out_channels // ssd_resnet34.CLASSES :] = NEVER
    shapes = network.conf[-1].out_channels // ssd_resnet34.CLASSES
    cells = ssd_resnet34.MAPS[-1] ** 2
    around = network.anchors[-shapes * cells :: cells][:, [1, 0, 3, 2]]
    Cell(
        scores=network.conf[-1],
        offsets=network.loc[-1],
        anchors=around,
        variances=(0.1, 0.2),
        full=1.0,
        middle=1,
        score_of=lambda anchor, label: label * shapes + anchor,
        offset_of=lambda anchor, coordinate: (1, 0, 3, 2)[coordinate] * shapes + anchor,
    ).plant(0.04)
    network.conf[-1].bias.data[:shapes] = 0  # the background
    for row, column in ((0, 1), (1, 0)):
        network.conf[-1].weight.data[shapes:, ONE, row, column] = 3 * NEVER
    return network


def _ramps(colours: Colours) -> Iterable[tuple[float, float, int]]:
    """Weight and bias of each step, which is 1 where it has risen, and its colour."""
    for colour, level in STEPS:
        unit = 1 / (LEVEL * RISE)
        yield colours.deviation[colour] * unit, (colours.mean[colour] / LEVEL - level + 0.5) / RISE + 0.5, colour


def _empty(network: Any) -> Any:
    with torch.no_grad():
        for value in [*network.parameters(), *(item for name, item in network.named_buffers() if name != "anchors")]:
            value.zero_()
    return network.eval().requires_grad_(requires_grad=False)


def _pass_on(layer: nn.Conv2d, factor: float = 1) -> None:
    middle = layer.kernel_size[0] // 2
    for channel in range(ONE + 1):
        layer.weight.data[channel, channel, middle, middle] = factor if channel < len(STEPS) else 1


# The classes of torch 1.1's day, by the names under which the files know them.
def _class(module: str, name: str, *bases: type) -> type:
    place = _module(module)
    if not hasattr(place, name):
        setattr(place, name, type(name, bases, {"__module__": module}))
        _give_source(place, name)
    found: type = getattr(place, name)
    return found


def _module(name: str) -> ModuleType:
    """A module to pickle names of; a pickler imports what it lies in, too."""
    words = name.split(".")
    for end in range(1, len(words)):
        sys.modules.setdefault(".".join(words[:end]), ModuleType(words[end - 1]))
    return sys.modules.setdefault(name, ModuleType(name))


def _give_source(module: ModuleType, name: str) -> None:
    """Give a class the source that torch writes beside it, and that it compares with ours when it reads the file."""
    file = module.__dict__.setdefault("__file__", f"/published/{module.__name__.replace('.', '/')}.py")
    lines = [*linecache.getlines(file), f"class {name}:\n", '    """As published."""\n', "\n"]
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def _backend() -> None:
    """What every layer of torch 1.1 has as an attribute: pickled by the name of the function that returns it."""


class _Backend:
    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return sys.modules["torch.nn.backends.thnn"]._get_thnn_function_backend, ()


def _as_published(network: nn.Module, names: dict[str, tuple[str, str]]) -> nn.Module:
    """Give every layer the class that ``names`` has for its own class's name (or its place in the network), and what torch 1.1 gave it."""
    backend = _module("torch.nn.backends.thnn")
    _backend.__module__, _backend.__qualname__ = "torch.nn.backends.thnn", "_get_thnn_function_backend"
    backend._get_thnn_function_backend = _backend  # type: ignore[attr-defined]
    for place, layer in list(network.named_modules()):
        known = names.get(place) or names.get(type(layer).__name__)
        if known:
            base = next(item for item in type(layer).__mro__ if item.__module__.startswith("torch.nn"))
            layer.__class__ = _class(*known, base)
        layer.__dict__["_backend"] = _Backend()
        layer._buffers.pop("anchors", None)
        del layer.__dict__["_non_persistent_buffers_set"]  # torch 1.1 had none
    return network


def pickled(
    network: nn.Module, file: Path, names: dict[str, tuple[str, str]], *, is_zip: bool = False, **attributes: Any
) -> None:
    """Write the network, with further ``attributes``, as torch did before its files were zip archives, or as one."""
    published = _as_published(network, names)
    for name, value in attributes.items():
        setattr(published, name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes that were made here have no source to be written with them
        torch.save(published, file, _use_new_zipfile_serialization=is_zip)


def pickled_mobilenet(file: Path, *, is_zip: bool = False) -> None:
    """Write the file of row 14, or the same as torch writes it since 1.6."""
    models, utils = "models.ssd_mobilenet_v1", "models.utils"
    names = {
        "SSDMobileNet": (models, "SSD"),
        "backbone": (models, "MobileNetV1Base"),
        "Head": (models, "PredictionHead"),
        "SameConvolution": (utils, "Conv2d_tf"),
        "ScaleAndBias": (utils, "BatchNorm2d"),
        "Bias": (utils, "BiasAdd"),
        **{f"extras.{number}": (models, "Block") for number in range(4)},
    }
    network = planted_mobilenet()
    network.backbone.return_layers = [11, 13]
    facts = {"image_size": 300, "image_mean": 127.5, "image_std": 127.5, "nms_threshold": 0.6, "score_threshold": 0.3}
    weights = torch.tensor((10, 10, 5, 5), dtype=torch.float32)
    more = {**facts, "coder_weights": weights, "priors": torch.zeros(1917, 4), "_feature_map_shapes": None}
    pickled(network, file, names, is_zip=is_zip, **more)


def pickled_resnet34(file: Path) -> None:
    """Write the file of row 18."""
    names = {
        "SSDResNet34": ("models.ssd_r34", "SSD_R34"),
        "Backbone": ("models.base_model_r34", "ResNet34"),
        "BasicBlock": ("torchvision.models.resnet", "BasicBlock"),
    }
    encoder = _class("models.ssd_r34", "Encoder", object)()
    encoder.__dict__.update(dboxes=torch.zeros(15130, 4), nboxes=15130, scale_xy=torch.tensor(0.1))
    facts = {"label_num": 81, "strides": [3, 3, 2, 2, 2, 2], "extract_shapes": False, "size": (1200, 1200), "device": 1}
    pickled(planted_resnet34(), file, names, **facts, encoder=encoder)
