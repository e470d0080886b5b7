"""``python -m benchloom.harness.preprocess``: a data set and a profile become arrays, once.

Reads the facts named by ``LOOM_DATASET`` and ``LOOM_PROFILE`` and leaves in the working directory ``samples.npy``
(N x the profile's shape and dtype, in QSL order) and ``labels.npy`` (N, int64). Images are decoded in parallel straight into
the array; the result does not depend on how many threads did it.
"""

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError, LoomError
from benchloom.harness.inputs import read_facts
from benchloom.harness.options import usable_cores
from benchloom.harness.profiles import apply
from benchloom.harness.progress import reported
from benchloom.model.facts import Dataset, Profile


@dataclass(frozen=True)
class Samples:
    """The images of a data set in QSL order with their labels."""

    files: tuple[Path, ...]
    labels: NDArray[np.int64]


def list_samples(dataset: Dataset, root: Path) -> Samples:
    """Read the label file (``<file name> <label>`` a line) below ``root``.

    Raises InputError naming the line that cannot be read, or how many images are missing and which.
    """
    path = root / dataset.labels
    files, labels = [], []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError("the labels cannot be read", where=str(path), why=[error.strerror or str(error)]) from error
    for number, line in enumerate(lines, 1):
        name, _, label = line.strip().rpartition(" ")
        if not name or not label.isdigit():
            raise InputError(f"{line!r} is not '<file name> <label>'", where=f"{path}:{number}")
        files.append(root / dataset.images / name)
        labels.append(int(label))
    _refuse_missing(files, dataset, root)
    return Samples(tuple(files), np.array(labels, np.int64))


def _refuse_missing(files: list[Path], dataset: Dataset, root: Path) -> None:
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(files)} images of {dataset.name} are missing",
            where=str(root / dataset.images),
            why=[", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")],
            fix="complete the folder, or install the data set again",
        )


def preprocess(samples: Samples, profile: Profile, folder: Path, environ: Mapping[str, str]) -> None:
    """Write ``samples.npy`` and ``labels.npy`` into ``folder``. Raises InputError naming an image that cannot be used."""
    cv2.setNumThreads(1)
    shape = (len(samples.files), *profile.shape)
    open_memmap: Callable[..., np.memmap[Any, Any]] = np.lib.format.open_memmap  # untyped in older versions of NumPy
    array = open_memmap(folder / "samples.npy", mode="w+", dtype=np.dtype(profile.dtype), shape=shape)
    done = 0

    def work(item: tuple[int, Path]) -> None:
        nonlocal done
        index, path = item
        array[index] = apply(profile, path)
        done += 1

    with (
        reported(environ, "pre-processing", "images", len(samples.files), lambda: done),
        ThreadPoolExecutor(usable_cores()) as pool,
    ):
        for _ in pool.map(work, enumerate(samples.files)):
            pass
    array.flush()
    np.save(folder / "labels.npy", samples.labels)


def main(environ: Mapping[str, str]) -> int:
    """Pre-process what the facts name and return the exit status."""
    try:
        dataset, profile = read_facts("dataset", environ), read_facts("profile", environ)
        if dataset.dataset is None or profile.profile is None:
            name = dataset.component if dataset.dataset is None else profile.component
            raise InputError(f"{name} has no 'dataset' or 'profile' block", where="LOOM_DATASET, LOOM_PROFILE")
        samples = list_samples(dataset.dataset, Path(dataset.path))
        preprocess(samples, profile.profile, Path.cwd(), environ)
    except LoomError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
