"""What the pre-processing leaves for the harness: the names of the files, and how they are opened."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchloom.harness.inputs import Samples

SAMPLES, LABELS, CATEGORIES = "samples.npy", "labels.npy", "categories.npy"


class Prepared(NamedTuple):
    """All samples with their labels (N); of images with boxes, also the ids of the categories in the order of the annotations."""

    samples: Samples
    labels: NDArray[np.int64]
    categories: tuple[int, ...] = ()


def prepared_images(folder: Path) -> Prepared:
    """Open images that were prepared in ``folder``: one tensor a sample. Raises OSError or ValueError."""
    images = np.load(folder / SAMPLES, mmap_mode="r")
    return Prepared(Samples((images,)), np.load(folder / LABELS).astype(np.int64))
