"""Train the digits network and export it.

    python train.py [FOLDER]

writes ``digits.pt``, ``digits.onnx`` and ``report.json`` into FOLDER (the working directory if none is given). The number
of epochs is fixed and the last weights are kept, so the held-out part decides nothing. ``--validate`` serves to tune:
it holds back a fifth of the training part instead, and leaves the held-out part alone.
"""

import argparse
import json
import logging
import math
import platform
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import sklearn
import torch
from export import to_onnx, to_pytorch
from prepare import SPLIT_SEED, samples, split
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchloom.harness.architectures.digits import DigitsNetwork

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Everything that is chosen about the training.

    ``shift`` is in pixels of the 32 x 32 image, ``turn`` in degrees, ``zoom`` a fraction; each is drawn evenly from
    minus to plus its value. ``threads`` is fixed because sums over a different number of threads round differently.
    """

    seed: int = 1998
    epochs: int = 40
    batch: int = 64
    rate: float = 0.1
    warm_up: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4
    smoothing: float = 0.05
    average: float = 0.99
    shift: float = 2.0
    turn: float = 10.0
    zoom: float = 0.1
    threads: int = 2


@dataclass(frozen=True)
class Part:
    """Samples (N x 1 x 32 x 32) and their labels (N)."""

    samples: Tensor
    labels: Tensor


def parameter_count(network: nn.Module) -> int:
    """Return the number of trained values."""
    return sum(item.numel() for item in network.parameters())


def main() -> None:
    """Train, measure once, export and report."""
    given = _arguments()
    recipe = Recipe()
    _make_repeatable(recipe)
    train, test = _tuning_parts(recipe) if given.validate else _parts()
    network = fit(train, recipe)
    right = count_right(network, test)
    LOG.info("top-1 %.4f (%d of %d right)", right / len(test.labels), right, len(test.labels))
    if given.validate:
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    to_pytorch(network, given.folder / "digits.pt")
    to_onnx(network, given.folder / "digits.onnx")
    text = json.dumps(_report(network, recipe, right, len(test.labels)), indent=2)
    (given.folder / "report.json").write_text(text + "\n", encoding="utf-8")
    LOG.info("written to %s", given.folder.resolve())


def fit(train: Part, recipe: Recipe) -> nn.Module:
    """Return the network with the moving average of its weights at the end of the last epoch."""
    network = DigitsNetwork().to(memory_format=torch.channels_last)
    LOG.info("%d parameters, %d training images", parameter_count(network), len(train.labels))
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=recipe.rate, momentum=recipe.momentum, weight_decay=recipe.decay, nesterov=True
    )
    steps = recipe.epochs * math.ceil(len(train.labels) / recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / steps, recipe.warm_up))
    begin = time.monotonic()
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        total = 0.0
        for images, labels in _batches(train, recipe):
            optimiser.zero_grad()
            loss = functional.cross_entropy(network(images), labels, label_smoothing=recipe.smoothing)
            loss.backward()
            optimiser.step()
            schedule.step()
            average.update_parameters(network)
            total += loss.item() * len(labels)
        mean, seconds = total / len(train.labels), time.monotonic() - begin
        LOG.info("epoch %2d of %d  loss %.4f  %.0f s", epoch, recipe.epochs, mean, seconds)
    return average.module.to(memory_format=torch.contiguous_format).eval()


def augment(images: Tensor, recipe: Recipe) -> Tensor:
    """Turn, zoom and shift each image a little; what comes in from outside is black."""
    count, side = len(images), images.shape[-1]
    angle = torch.deg2rad(_even(count, recipe.turn))
    scale = 1 + _even(count, recipe.zoom)
    shift = _even(2 * count, recipe.shift).reshape(count, 2, 1) * (2 / side)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    turn = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
    grid = functional.affine_grid(torch.cat([turn, shift], 2), list(images.shape), align_corners=False)
    # Outside the image grid_sample gives 0; the move by 1 makes that black.
    return functional.grid_sample(images + 1, grid, align_corners=False) - 1


@torch.inference_mode()
def count_right(network: nn.Module, part: Part) -> int:
    """Return how many samples get their own label as the highest score."""
    return int((network(part.samples).argmax(1) == part.labels).sum())


def _batches(train: Part, recipe: Recipe) -> Iterator[tuple[Tensor, Tensor]]:
    for rows in torch.randperm(len(train.labels)).split(recipe.batch):
        images = augment(train.samples[rows], recipe)
        yield images.contiguous(memory_format=torch.channels_last), train.labels[rows]


def _rate(done: float, warm_up: float) -> float:
    """A linear rise, then half a cosine down to 0; ``done`` is the part of all steps behind us, 0 to 1."""
    if done < warm_up:
        return done / warm_up
    return (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2


def _even(count: int, limit: float) -> Tensor:
    return (torch.rand(count) * 2 - 1) * limit


def _parts() -> tuple[Part, Part]:
    train, held_out = (Part(torch.from_numpy(samples(item)), torch.from_numpy(item.labels)) for item in split())
    return train, held_out


def _tuning_parts(recipe: Recipe) -> tuple[Part, Part]:
    whole, _ = _parts()
    rows = np.arange(len(whole.labels))
    kept = train_test_split(rows, test_size=0.2, stratify=whole.labels.numpy(), random_state=recipe.seed)
    train, check = (Part(whole.samples[item], whole.labels[item]) for item in kept)
    return train, check


def _make_repeatable(recipe: Recipe) -> None:
    random.seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(mode=True)


def _report(network: nn.Module, recipe: Recipe, right: int, total: int) -> dict[str, object]:
    return {
        "top1": round(right / total, 6),
        "right": right,
        "held_out": total,
        "parameters": parameter_count(network),
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "split_seed": SPLIT_SEED,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "opencv": cv2.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the digits network and export it.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="where the files go")
    parser.add_argument(
        "--validate", action="store_true", help="measure on a fifth of the training part, write nothing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
