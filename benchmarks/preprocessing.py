"""Pre-processing beside the straightforward OpenCV path of the MLPerf reference application, and beside bare JPEG decoding.

    .venv/bin/python benchmarks/preprocessing.py [--quick] [--json FILE]

The images are made here: ImageNet's sizes, about 110 kB each (JPEG of quality 90, photo-like, seeded). In every round ours, the
straightforward path and bare decoding take turns, each in a process of its own on one core; what counts is images per second
of that core's time, user and system together. The samples of ours are compared with the files of the straightforward path,
and one byte that differs ends the benchmark.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from table import Row, Target, write

ROOT = Path(__file__).resolve().parents[1]
AREA = "preprocessing"
NAMED = "imagenet-nchw"  # the profile of ResNet-50 on ONNX Runtime, which the target is for
PROFILES = (NAMED, "imagenet-mobilenet-nhwc", "coco-300", "coco-1200")
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


# -- the straightforward path: what dataset.py of the reference does, and then saves, image by image


def plain_imagenet(path: Path, interpolation: int) -> Any:
    """Read, turn the colours round, resize the short side to 256, cut 224 x 224 out of the centre, make it floats."""
    import cv2
    import numpy as np

    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    height, width, _ = image.shape
    size = (256, int(256 * height / width)) if height > width else (int(256 * width / height), 256)
    image = cv2.resize(image, size, interpolation=interpolation)
    height, width, _ = image.shape
    top, left = int((height - 224) / 2), int((width - 224) / 2)
    return np.asarray(image[top : top + 224, left : left + 224], dtype="float32")


def plain_resnet(path: Path) -> Any:
    """As for ResNet-50: by area, means subtracted, channels first."""
    import cv2
    import numpy as np

    image = plain_imagenet(path, cv2.INTER_AREA)
    image -= np.array([123.68, 116.78, 103.94], dtype=np.float32)
    return image.transpose([2, 0, 1])


def plain_mobilenet(path: Path) -> Any:
    """As for MobileNet: linear, from -1 to 1, channels last."""
    import cv2

    image = plain_imagenet(path, cv2.INTER_LINEAR)
    image /= 255.0
    image -= 0.5
    image *= 2
    return image


def plain_coco(path: Path, side: int) -> Any:
    """Read, make it floats, turn the colours round, resize both sides."""
    import cv2
    import numpy as np

    image = cv2.cvtColor(np.array(cv2.imread(str(path)), dtype=np.float32), cv2.COLOR_BGR2RGB)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


def plain_coco_300(path: Path) -> Any:
    """As for SSD-MobileNet: bytes."""
    import numpy as np

    return np.asarray(plain_coco(path, 300), dtype=np.uint8)


def plain_coco_1200(path: Path) -> Any:
    """As for SSD-ResNet34: normalised by mean and deviation."""
    import numpy as np

    mean, deviation = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    return (plain_coco(path, 1200) / 255.0 - mean) / deviation


PLAIN = dict(zip(PROFILES, (plain_resnet, plain_mobilenet, plain_coco_300, plain_coco_1200), strict=True))


# -- what runs in a process of its own


def run_plain(profile: str, images: Sequence[Path], folder: Path) -> Callable[[], None]:
    """One file per image, as the reference keeps them."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)

    def once() -> None:
        for path in images:
            np.save(folder / f"{path.stem}.npy", PLAIN[profile](path))

    return once


def run_bare(_: str, images: Sequence[Path], __: Path) -> Callable[[], None]:
    """Nothing but the decoder, from memory."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    contents = [np.fromfile(path, np.uint8) for path in images]

    def once() -> None:
        for content in contents:
            cv2.imdecode(content, cv2.IMREAD_COLOR)

    return once


def run_ours(profile: str, images: Sequence[Path], folder: Path, processes: int = 1) -> Callable[[], None]:
    """What the harness does."""
    import msgspec
    import numpy as np

    from benchloom.harness.preprocess import Samples, preprocess
    from benchloom.model.facts import Profile

    meta = json.loads((ROOT / "package" / f"profile-{profile}" / ".cm" / "meta.json").read_text())
    steps = msgspec.convert(meta["profile"], Profile)
    samples = Samples(tuple(images), np.zeros(len(images), np.int64), "made")
    return lambda: void(preprocess(samples, steps, folder, {}, processes))


def void(_: object) -> None:
    """Drop a result."""


def child(kind: str, profile: str, folder: Path, number: int) -> None:
    """Do one thing and print its figures: seconds of processors, ended processes' too, and of the clock, per image."""
    if kind == "load":
        print(json.dumps({"wall": load_seconds(folder)}))
        return
    images = sorted((folder / "images").iterdir())
    target = folder / kind
    target.mkdir(exist_ok=True)
    if kind == "whole":
        wanted = (images * (int(profile) // len(images) + 1))[: int(profile)]
        once, count = run_ours(NAMED, wanted, target, number), len(wanted)
    else:
        once = {"ours": run_ours, "plain": run_plain, "bare": run_bare}[kind](profile, images, target)
        once()  # brings libraries, files and the disk's cache to work
        count = len(images) * number
    before, clock = processor_seconds(), time.perf_counter()
    for _ in range(1 if kind == "whole" else number):
        once()
    figures = {"cpu": processor_seconds() - before, "wall": time.perf_counter() - clock}
    print(json.dumps({name: value / count for name, value in figures.items()}))


def processor_seconds() -> float:
    """Return the time that processors have spent on this process and on those it has started that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


def load_seconds(folder: Path) -> float:
    """Return the time that opening the samples of `make_large` takes, with the imports of that."""
    environ = {
        f"LOOM_{role.upper()}": str(folder / "load" / f"{role}.json") for role in ("model", "backend", "samples")
    }
    start = time.perf_counter()
    from benchloom.harness.inputs import load

    inputs = load(environ, None)
    seconds = time.perf_counter() - start
    assert len(inputs.samples) == STARTED
    return seconds


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

    def call(self, kind: str, profile: str = "", number: int = 1) -> dict[str, float]:
        """Run `child` in a process of its own."""
        words = ["--child", kind, profile, str(self.folder), str(number)]
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def beside(self, profile: str) -> list[Row]:
        """Alternate ours, the straightforward path and bare decoding, compare the bytes, and return the lines."""
        rates: dict[str, list[float]] = {"ours": [], "plain": [], "bare": []}
        passes = 1 if profile in LARGE else self.size.passes
        for number in range(self.size.rounds):
            for kind, found in rates.items():
                found.append(1 / self.call(kind, profile, passes)["cpu"])
            if not number:
                self.compare(profile)
        name = f"{profile}: images per second of one core"
        return [
            row(
                name,
                "img/s",
                rates["ours"],
                "straightforward OpenCV",
                rates["plain"],
                2.0 if profile == NAMED else None,
            ),
            row(name, "img/s", rates["ours"], f"decoding alone ({self.bytes / 1000:.0f} kB each)", rates["bare"]),
        ]

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
                sys.exit(f"{profile}: the sample of {path.name} is not that of the straightforward path")

    def scaling(self) -> list[Row]:
        """Time the whole work, with the start of the processes, by one and by as many as there are cores."""
        from benchloom.harness.options import usable_cores

        cores = usable_cores()
        several, one = [], []
        for _ in range(max(2, self.size.rounds // 2)):
            for processes, found in ((cores, several), (1, one)):
                found.append(self.call("whole", str(self.size.scaled), processes))
        name = f"{NAMED}: {self.size.scaled} images by {cores} processes"
        rates = [[1 / item["wall"] for item in found] for found in (several, one)]
        costs = [[item["cpu"] * 1000 for item in found] for found in (several, one)]
        return [
            row(name, "img/s", rates[0], "one process", rates[1]),
            row(f"{name}: time of processors", "ms", costs[0], "one process", costs[1]),
        ]

    def start(self) -> Row:
        """Time how long a run takes to open the samples of a whole data set that are there."""
        make_large(self.folder / "load")
        found = [self.call("load")["wall"] for _ in range(self.size.rounds + 2)][1:]
        middle, spread = statistics.median(found), max(found) - min(found)
        name = f"opening {STARTED} samples that are there, with imports"
        return Row(AREA, name, "s", middle, "", None, middle, "s", spread, Target("<=", 0.2))


def row(
    name: str, unit: str, ours: Sequence[float], against: str, other: Sequence[float], bound: float | None = None
) -> Row:
    """Return the line of two rates measured in turn."""
    ratios = [one / two for one, two in zip(ours, other, strict=True)]
    return Row(
        AREA,
        name,
        unit,
        statistics.median(ours),
        against,
        statistics.median(other),
        statistics.median(ratios),
        "x",
        max(ratios) - min(ratios),
        Target(">=", bound) if bound else None,
    )


def measure(quick: bool) -> list[Row]:
    """Measure all of it; ``quick`` takes fewer images and rounds, and the same profiles."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), QUICK if quick else FULL)
        rows = [line for profile in PROFILES for line in bench.beside(profile)]
        return [*rows, *bench.scaling(), bench.start()]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Hold pre-processing against the reference's way and bare decoding.")
    parser.add_argument("--quick", action="store_true", help="fewer images and rounds")
    parser.add_argument("--json", metavar="FILE", default="", help="write the rows there too")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, profile, folder, number = options.child
        child(kind, profile, Path(folder), int(number))
        return
    write(measure(options.quick), options.json)


if __name__ == "__main__":
    main()
