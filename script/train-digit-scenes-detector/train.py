"""Train the detector of digit scenes and export it.

    python train.py DATASET [FOLDER]

writes ``digit-scenes.pt``, ``digit-scenes.onnx`` and ``report.json`` into FOLDER (the working directory if none is given) and
measures once on DATASET, the folder that scenes.py wrote. Every training scene is composed anew from training digits. The number
of steps is fixed and the last weights are kept, so the held-out part decides nothing. ``--validate`` serves to tune: it
composes the scenes to measure on from a fifth of the training digits, and trains on the rest.
"""

import argparse
import json
import logging
import math
import platform
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import sklearn
import torch
from export import to_onnx, to_pytorch
from measure import Detections, Detector, Floats, measure
from prepare import SPLIT_SEED, Digits, split
from scenes import COUNT, EMPTY_EVERY, compose, corners, encode, resize, write_folder
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from benchloom.harness.architectures.digit_scenes import VARIANCES, DigitScenesNetwork, decode

LOG = logging.getLogger(__name__)
SAID_EVERY = 50

Truth = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Recipe:
    """Everything that is chosen about the training.

    An anchor stands for a digit from an intersection over union of ``positive``, and for the background below ``negative``; a
    digit has at least its ``nearest`` anchors. One thread sums in one order; two other processes compose the scenes.
    """

    seed: int = 2014
    steps: int = 1200
    batch: int = 16
    rate: float = 4e-3
    warm_up: float = 0.08
    decay: float = 0.01
    average: float = 0.99
    positive: float = 0.5
    negative: float = 0.4
    nearest: int = 3
    focus: float = 2.0
    classes: float = 0.5
    boxes: float = 2.0
    offsets: float = 0.25
    threads: int = 1


class Scenes(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Scenes of ``digits``, by number: pixels (3 x 300 x 300), boxes (K x 4: ymin, xmin, ymax, xmax, 0-1), labels (K)."""

    def __init__(self, digits: Digits, recipe: Recipe) -> None:
        self._digits = digits
        self._seed = recipe.seed
        self._count = recipe.steps * recipe.batch

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        generator = np.random.default_rng([self._seed, number])
        scene = compose(self._digits, generator, empty=number % EMPTY_EVERY == 0)
        pixels = resize(encode(scene.image, gray=bool(generator.random() < 0.05)))
        return (
            torch.from_numpy(pixels.transpose(2, 0, 1).copy()),
            torch.from_numpy(corners(scene)),
            torch.from_numpy(scene.labels),
        )


def together(items: list[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, list[Truth]]:
    """Return the pixels as one batch, and what is in them image by image."""
    return torch.stack([pixels for pixels, *_ in items]), [(boxes, labels) for _, boxes, labels in items]


def start_worker(_number: int) -> None:
    """Keep the process that composes scenes to one core."""
    cv2.setNumThreads(1)


def fit(digits: Digits, recipe: Recipe) -> DigitScenesNetwork:
    """Return the network with the moving average of its weights at the last step."""
    network = DigitScenesNetwork().to(memory_format=torch.channels_last)
    for head in network.heads:
        nn.init.constant_(head.scores.bias, -4.0)  # most anchors see no digit
    LOG.info(
        "%d parameters, %d training digits", sum(item.numel() for item in network.parameters()), len(digits.labels)
    )
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / recipe.steps, recipe.warm_up))
    begin, total = time.monotonic(), 0.0
    scenes = DataLoader(
        Scenes(digits, recipe),
        recipe.batch,
        num_workers=2,
        prefetch_factor=8,
        collate_fn=together,
        worker_init_fn=start_worker,
    )
    for step, (pixels, truths) in enumerate(scenes, start=1):
        images = ((pixels.float() - 127.5) / 127.5).contiguous(memory_format=torch.channels_last)
        optimiser.zero_grad()
        loss = loss_of(network, images, truths, recipe)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        total += loss.item()
        if step % SAID_EVERY == 0:
            mean, seconds = total / SAID_EVERY, time.monotonic() - begin
            LOG.info("step %4d of %d  loss %.4f  %.0f s", step, recipe.steps, mean, seconds)
            total = 0.0
    return average.module.to(memory_format=torch.contiguous_format).eval()


def loss_of(network: DigitScenesNetwork, images: Tensor, truths: list[Truth], recipe: Recipe) -> Tensor:
    """Return the loss per anchor that stands for a digit.

    The score to learn is the box's intersection over union with the digit, not 1, so that the better box of two ranks first. Scores
    of what is not there count as far as they are wrong; which digit it is counts once more, as one of ten.
    """
    scores, offsets = network.raw(images)
    targets, weights, anchored, count = torch.zeros_like(scores), torch.ones_like(scores), scores.new_zeros(()), 0
    for image, (real, labels) in enumerate(truths):
        if len(labels) == 0:
            continue
        rows, mates, ignored = assign(_corners(network.anchors), real, recipe)
        weights[image, ignored] = 0
        found, wanted, around = decode(offsets[image, rows], network.anchors[rows]), real[mates], network.anchors[rows]
        shared, enclosed = _overlaps(found, wanted)
        targets[image, rows, labels[mates]] = shared.detach()
        far = functional.smooth_l1_loss(offsets[image, rows], _offsets(wanted, around), reduction="sum")
        confused = functional.cross_entropy(scores[image, rows], labels[mates], reduction="sum")
        anchored = anchored + recipe.boxes * (1 - enclosed).sum() + recipe.offsets * far + recipe.classes * confused
        count += len(rows)
    focus = torch.where(targets > 0, targets, scores.detach().sigmoid() ** recipe.focus) * weights
    seen = functional.binary_cross_entropy_with_logits(scores, targets, reduction="none") * focus
    return (seen.sum() + anchored) / max(count, 1)


def assign(anchors: Tensor, real: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
    """Return the anchors that stand for a digit (rows), the digit of each, and the rows that stand for nothing clear."""
    overlaps, _ = _overlaps(anchors.unsqueeze(1), real.unsqueeze(0))
    forced = torch.zeros_like(overlaps).scatter_(0, overlaps.topk(recipe.nearest, 0).indices, 1.0)
    best, mates = (overlaps + forced).max(1)
    chosen = best >= recipe.positive
    ignored = ~chosen & (best >= recipe.negative)
    return chosen.nonzero().squeeze(1), mates[chosen], ignored.nonzero().squeeze(1)


def _overlaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union of boxes, and the same less the part of the common hull that neither covers."""
    inner = (torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])).clamp(
        min=0
    )
    outer = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    shared, hull = inner.prod(-1), outer.prod(-1)
    union = (first[..., 2:] - first[..., :2]).prod(-1) + (second[..., 2:] - second[..., :2]).prod(-1) - shared
    ratio = shared / union
    return ratio, ratio - (hull - union) / hull


def _corners(anchors: Tensor) -> Tensor:
    return torch.cat([anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2], 1)


def _offsets(boxes: Tensor, around: Tensor) -> Tensor:
    """What ``decode`` turns into ``boxes``."""
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    shift = (middles - around[:, :2]) / around[:, 2:] / VARIANCES[0]
    return torch.cat([shift, torch.log(sides / around[:, 2:]) / VARIANCES[1]], 1)


def _rate(done: float, warm_up: float) -> float:
    """A linear rise, then half a cosine down to 0; ``done`` is the part of all steps behind us, 0 to 1."""
    if done < warm_up:
        return done / warm_up
    return (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2


def detector(network: nn.Module) -> Detector:
    """Return the network as a function of arrays."""

    @torch.inference_mode()
    def detect(samples: Floats) -> Detections:
        boxes, labels, scores = network(torch.from_numpy(samples))
        return boxes.numpy(), labels.numpy(), scores.numpy()

    return detect


def validate(recipe: Recipe) -> float:
    """Return the mAP on scenes of a fifth of the training digits after training on the rest."""
    whole, _ = split()
    rows = np.arange(len(whole.labels))
    kept = train_test_split(rows, test_size=0.2, stratify=whole.labels, random_state=recipe.seed)
    train, check = (Digits(whole.images[item], whole.labels[item]) for item in kept)
    scenes = [compose(check, np.random.default_rng([recipe.seed + 1, number])) for number in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        write_folder(scenes, Path(folder))
        return measure(Path(folder), detector(fit(train, recipe)))


def main() -> None:
    """Train, measure once, export and report."""
    given, recipe = _arguments(), Recipe()
    random.seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(mode=True)
    if given.validate:
        LOG.info("mAP %.4f", validate(recipe))
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    train, _ = split()
    network = fit(train, recipe)
    to_pytorch(network, given.folder / "digit-scenes.pt")
    to_onnx(network, given.folder / "digit-scenes.onnx")
    reached = measure(given.dataset, detector(network))
    LOG.info("mAP %.4f", reached)
    text = json.dumps(_report(recipe, reached), indent=2)
    (given.folder / "report.json").write_text(text + "\n", encoding="utf-8")
    LOG.info("written to %s", given.folder.resolve())


def _report(recipe: Recipe, reached: float) -> dict[str, object]:
    return {
        "mAP": round(reached, 6),
        "steps": recipe.steps,
        "batch": recipe.batch,
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
    parser = argparse.ArgumentParser(description="Train the detector of digit scenes and export it.")
    parser.add_argument("dataset", nargs="?", type=Path, help="what scenes.py wrote")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="where the files go")
    parser.add_argument(
        "--validate", action="store_true", help="measure on scenes of a fifth of the training digits, write nothing"
    )
    given = parser.parse_args()
    if given.dataset is None and not given.validate:
        parser.error("DATASET is needed to measure on")
    return given


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
