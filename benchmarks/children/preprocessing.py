"""What ``preprocessing`` measures in a process of its own: ``python preprocessing.py KIND PROFILE FOLDER NUMBER [PROCESSES]``.

Prints JSON: seconds of processors ``cpu``, ended processes' too, and of the clock ``wall``, per image of ``FOLDER/images``.

    ours, plain, bare  NUMBER passes over the images, after one that is not counted
    whole              NUMBER images by ours, in as many PROCESSES, with their start
    load               opening the NUMBER samples of FOLDER/load, with the imports of that: the clock only, and of all of them
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

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


PLAIN = {
    "imagenet-nchw": plain_resnet,
    "imagenet-mobilenet-nhwc": plain_mobilenet,
    "coco-300": plain_coco_300,
    "coco-1200": plain_coco_1200,
}


# -- what is timed


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


def per_image(once: Callable[[], None], passes: int, images: int) -> dict[str, float]:
    """Time so many passes over so many images."""
    before, clock = processor_seconds(), time.perf_counter()
    for _ in range(passes):
        once()
    figures = {"cpu": processor_seconds() - before, "wall": time.perf_counter() - clock}
    return {name: value / (images * passes) for name, value in figures.items()}


def processor_seconds() -> float:
    """Return the time that processors have spent on this process and on those it has started that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


def load_seconds(folder: Path, count: int) -> float:
    """Return the time that opening the ``count`` samples of a folder takes, with the imports of that."""
    environ = {f"LOOM_{role.upper()}": str(folder / f"{role}.json") for role in ("model", "backend", "samples")}
    start = time.perf_counter()
    from benchloom.harness.loading import load

    inputs = load(environ, None)
    seconds = time.perf_counter() - start
    assert len(inputs.samples) == count
    return seconds


def measure(kind: str, profile: str, folder: Path, number: int, processes: int) -> dict[str, float]:
    """Do one thing and return its figures."""
    if kind == "load":
        return {"wall": load_seconds(folder / "load", number)}
    images = sorted((folder / "images").iterdir())
    target = folder / kind
    target.mkdir(exist_ok=True)
    if kind == "whole":
        wanted = (images * (number // len(images) + 1))[:number]
        return per_image(run_ours(profile, wanted, target, processes), 1, number)
    once = {"ours": run_ours, "plain": run_plain, "bare": run_bare}[kind](profile, images, target)
    once()  # brings libraries, files and the disk's cache to work
    return per_image(once, number, len(images))


def main() -> None:
    """Measure what ``sys.argv`` says and print it."""
    kind, profile, folder, number, *processes = sys.argv[1:]
    found = measure(kind, profile, Path(folder), int(number), int(processes[0]) if processes else 1)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
