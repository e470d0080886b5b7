"""Output files of the pre-processing: their names, and how the harness opens them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchloom.harness.inputs import Samples

SAMPLES, LABELS, CATEGORIES = "samples.npy", "labels.npy", "categories.npy"


class Prepared(NamedTuple):
    """All samples with their labels (N); for images with boxes, also the category ids in the order of the annotations."""

    samples: Samples
    labels: NDArray[np.int64]
    categories: tuple[int, ...] = ()


def prepared_images(folder: Path) -> Prepared:
    """Open images that were prepared in ``folder``: one tensor per sample. Raises OSError or ValueError."""
    images = np.load(folder / SAMPLES, mmap_mode="r")
    return Prepared(Samples((images,)), np.load(folder / LABELS).astype(np.int64))
