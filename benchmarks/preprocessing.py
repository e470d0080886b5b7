"""Pre-processing beside the straightforward OpenCV path of the MLPerf reference application, and beside bare JPEG decoding.

The images are made here: ImageNet's sizes, about 110 kB each (JPEG of quality 90, photo-like, seeded). In every round ours, the
straightforward path and bare decoding take turns, each in a process of its own on one core; what counts is images per second
of that core's time, user and system together. The samples of ours are compared with the files of the straightforward path,
and one byte that differs ends the benchmark.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchloom.model.measurement import Measurement, alone, at_least, at_most, ratio

ROOT = Path(__file__).resolve().parents[1]
CHILD = Path(__file__).resolve().parent / "children" / "preprocessing.py"
AREA = "preprocessing"
NAMED = "imagenet"  # the profile of ResNet-50 on ONNX Runtime, which the target is for
PROFILES = (NAMED, "imagenet-mobilenet,_nhwc", "coco-300", "coco-1200")
LARGE = ("coco-1200",)
SIZES = ((375, 500), (375, 500), (333, 500), (500, 375), (375, 500), (400, 500), (500, 333), (375, 500))
STARTED = 50_000  # samples whose opening is timed


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    images: int
    rounds: int
    passes: int  # over the images, in one round (one pass where samples are large)
    scaled: int  # images of the run with one process and with several


QUICK, FULL = Size(48, 3, 3, 1024), Size(96, 5, 5, 2048)


# -- the images


def photo(random: Any, height: int, width: int) -> Any:
    """Return pixels that compress as a photo's do: noise of every scale, mostly in brightness, and grain."""
    import cv2
    import numpy as np

    image = np.full((height, width, 3), 120, np.float32)
    side, strength = 2, 70.0
    while side <= max(height, width):
        coarse = (max(2, height * side // max(height, width)), max(2, width * side // max(height, width)))
        noise = random.standard_normal((*coarse, 3), dtype=np.float32)
        noise = noise.mean(axis=2, keepdims=True) * 0.8 + noise * 0.35
        image += strength * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        side, strength = side * 2, strength * 0.62
    image += random.standard_normal((height, width, 1), dtype=np.float32) * 27
    return np.clip(image, 0, 255).astype(np.uint8)


def make_images(folder: Path, count: int) -> float:
    """Write the images and return their mean size in bytes."""
    import cv2
    import numpy as np

    folder.mkdir()
    random = np.random.default_rng(2012)
    for number in range(count):
        pixels = photo(random, *SIZES[number % len(SIZES)])
        cv2.imwrite(str(folder / f"{number:05}.JPEG"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return statistics.mean(path.stat().st_size for path in folder.iterdir())


def make_large(folder: Path) -> None:
    """Lay out 30 GB of samples, as a file with a hole that takes no place, and the facts of a run on them."""
    import numpy as np

    from benchloom.model.base import to_json
    from benchloom.model.facts import Backend, Facts, Model, Tensor

    folder.mkdir()
    np.lib.format.open_memmap(folder / "samples.npy", mode="w+", dtype=np.float32, shape=(STARTED, 3, 224, 224))
    np.save(folder / "labels.npy", np.arange(STARTED) % 1000)
    tensor = Tensor(name="input", shape=("N", 3, 224, 224), dtype="float32", layout="NCHW")
    model = Model(
        name="resnet50", task="image-classification", format="onnx", precision="fp32", inputs=(tensor,), outputs=()
    )
    facts = (
        Facts(role="model", component="package:made", path=str(folder / "none.onnx"), model=model),
        Facts(role="backend", component="package:made", backend=Backend(name="onnxruntime")),
        Facts(role="samples", component="script:made", path=str(folder)),
    )
    for item in facts:
        (folder / f"{item.role}.json").write_bytes(to_json(item))


# -- the rounds


class Bench:
    """Processes that work on the images of one folder."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        self.bytes = make_images(folder / "images", size.images)

    def call(self, kind: str, profile: str, *numbers: int) -> dict[str, float]:
        """Run ``children/preprocessing.py`` and return its figures."""
        done = subprocess.run(
            [sys.executable, str(CHILD), kind, profile, str(self.folder), *map(str, numbers)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def beside(self, profile: str) -> Iterator[Measurement]:
        """Alternate ours, the straightforward path and bare decoding, compare the bytes, and yield the lines."""
        rates: dict[str, list[float]] = {"ours": [], "plain": [], "bare": []}
        passes = 1 if profile in LARGE else self.size.passes
        for number in range(self.size.rounds):
            for kind, found in rates.items():
                found.append(1 / self.call(kind, profile, passes)["cpu"])
            if not number:
                self.compare(profile)
        name, bound = f"{profile}: images per second of one core", at_least(2) if profile == NAMED else None
        decoding = f"decoding alone ({self.bytes / 1000:.0f} kB each)"
        yield ratio(AREA, name, "img/s", rates["ours"], "straightforward OpenCV", rates["plain"], bound)
        yield ratio(AREA, name, "img/s", rates["ours"], decoding, rates["bare"])

    def compare(self, profile: str) -> None:
        """Hold every sample against the file of the straightforward path."""
        import numpy as np

        samples = np.load(self.folder / "ours" / "samples.npy", mmap_mode="r")
        for number, path in enumerate(sorted((self.folder / "images").iterdir())):
            wanted = np.load(self.folder / "plain" / f"{path.stem}.npy")
            if (wanted.shape, wanted.dtype, wanted.tobytes()) != (
                samples.shape[1:],
                samples.dtype,
                samples[number].tobytes(),
            ):
                raise RuntimeError(f"{profile}: the sample of {path.name} is not that of the straightforward path")

    def scaling(self) -> Iterator[Measurement]:
        """Time the whole work, with the start of the processes, by one and by as many as there are cores."""
        from benchloom.harness.options import usable_cores

        cores = usable_cores()
        several: list[dict[str, float]] = []
        one: list[dict[str, float]] = []
        for _ in range(max(2, self.size.rounds // 2)):
            for processes, found in ((cores, several), (1, one)):
                found.append(self.call("whole", NAMED, self.size.scaled, processes))
        name = f"{NAMED}: {self.size.scaled} images by {cores} processes"
        rates = [[1 / item["wall"] for item in found] for found in (several, one)]
        costs = [[item["cpu"] * 1000 for item in found] for found in (several, one)]
        yield ratio(AREA, name, "img/s", rates[0], "one process", rates[1])
        yield ratio(AREA, f"{name}: time of processors", "ms", costs[0], "one process", costs[1])

    def start(self) -> Measurement:
        """Time how long a run takes to open the samples of a whole data set that are there."""
        make_large(self.folder / "load")
        found = [self.call("load", NAMED, STARTED)["wall"] for _ in range(self.size.rounds + 2)][1:]
        return alone(AREA, f"opening {STARTED} samples that are there, with imports", "s", found, at_most(0.2))


def measure(is_quick: bool) -> Iterator[Measurement]:
    """Yield the lines; where ``is_quick``, of fewer images and rounds, and the same profiles."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), QUICK if is_quick else FULL)
        for profile in PROFILES:
            yield from bench.beside(profile)
        yield from bench.scaling()
        yield bench.start()
