"""What torchvision's resize, center_crop, to_tensor and normalize make of a Pillow image, from their definitions.

Releases differ in the crop alone: where half a pixel is left over, 0.8.0 to 0.8.2 round it up, all others to the even number.
"""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, CROP = 256, 224
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def resized(width: int, height: int) -> tuple[int, int]:
    """Return width and height after ``resize(256)``: the long side keeps the aspect and is rounded down."""
    return (SIDE, int(SIDE * height / width)) if width < height else (int(SIDE * width / height), SIDE)


def offset(size: int, *, release: str) -> int:
    """Return the first row or column of ``size`` that the crop of ``release`` keeps: ``0.8``, or anything else."""
    half = Decimal(size - CROP) / 2
    return int(half.quantize(Decimal(1), ROUND_HALF_UP if release == "0.8" else ROUND_HALF_EVEN))


def pre_processed(colours: NDArray[Any], *, release: str) -> NDArray[np.float32]:
    """Return the sample (224 x 224 x 3) of an image (height x width x RGB, bytes)."""
    height, width, _ = colours.shape
    size = resized(width, height)
    image = Image.fromarray(colours).resize(size, Image.Resampling.BILINEAR)
    left, top = (offset(side, release=release) for side in size)
    pixels = np.asarray(image.crop((left, top, left + CROP, top + CROP))).astype(np.float32) / np.float32(255)
    return (pixels - MEAN) / DEVIATION
