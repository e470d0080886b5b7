"""Resize images bit by bit as OpenCV and Pillow do, but compute only what a crop keeps."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]

_SPARE = 1  # extra rows and columns of the original beyond those needed


@dataclass(frozen=True)
class Window:
    """The part of an image that is kept, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, image: Image) -> Image:
        """Return this part as a view."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    def is_within(self, height: int, width: int) -> bool:
        """Tell whether an image of this size contains it."""
        return 0 <= self.top <= height - self.height and 0 <= self.left <= width - self.width


def resize(image: Image, height: int, width: int, interpolation: str, window: Window | None = None) -> Image:
    """Return the image resized to ``height`` x ``width``, or ``window`` of that. May raise cv2.error, ValueError, TypeError.

    ``interpolation`` is ``area`` or ``linear`` (OpenCV's), or ``pil-bilinear`` (Pillow's).
    """
    if window and interpolation == "area" and _suits(image, height, width, window) and is_exact():
        return _area_within(image, height, width, window)
    whole = _whole(image, height, width, interpolation)
    return window.of(whole) if window else whole


def _whole(image: Image, height: int, width: int, interpolation: str) -> Image:
    if interpolation == "pil-bilinear":
        from PIL import Image as Pillow  # late: only this needs it

        return np.asarray(Pillow.fromarray(image).resize((width, height), Pillow.Resampling.BILINEAR))
    method = cv2.INTER_AREA if interpolation == "area" else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)


def _suits(image: Image, height: int, width: int, window: Window) -> bool:
    """Tell whether OpenCV sums floats for both the whole image and `_area_within`.

    It does if an image shrinks, except by integer factors in both directions or to its rounded size.
    """
    down, across = image.shape[0] / height, image.shape[1] / width
    shrinks = min(down, across) >= 1 and not (down.is_integer() and across.is_integer())
    if not shrinks or image.dtype != np.uint8 or not window.is_within(height, width):
        return False
    rows, columns = _needed(image, height, width, window)
    return (rows, columns) != (round(rows * (height / image.shape[0])), round(columns * (width / image.shape[1])))


def _needed(image: Image, height: int, width: int, window: Window) -> tuple[int, int]:
    """The number of leading rows and columns of the image that the window depends on, with a margin."""
    rows = math.ceil((window.top + window.height) * image.shape[0] / height) + _SPARE
    columns = math.ceil((window.left + window.width) * image.shape[1] / width) + _SPARE
    return min(rows, image.shape[0]), min(columns, image.shape[1])


def _area_within(image: Image, height: int, width: int, window: Window) -> Image:
    """Return ``window`` of the image resized by area, from the pixels above and left of its bottom right corner.

    OpenCV weights bytes and floats equally, and rounds the sums of bytes half to even; with floats it takes about half
    the time. It counts from the first row and column, so these are kept.
    """
    rows, columns = _needed(image, height, width, window)
    fy, fx = height / image.shape[0], width / image.shape[1]
    floats = image[:rows, :columns].astype(np.float32)
    sums = cv2.resize(floats, None, fx=fx, fy=fy, interpolation=cv2.INTER_AREA)
    return cv2.convertScaleAbs(window.of(sums))


@cache
def is_exact() -> bool:
    """Tell whether `_area_within` gives the same bytes with this OpenCV on this processor, in any order of colours.

    In the first of the sizes one sum in fourteen is halfway between two bytes, so that additions in another order, or
    fused with multiplications, change hundreds of pixels.
    """
    random = np.random.default_rng(0)
    for shape, (height, width) in (((300, 360, 3), (250, 300)), ((375, 500, 3), (256, 341))):
        noise, window = random.integers(0, 256, shape, np.uint8), Window(9, 12, height - 20, width - 40)
        found = _area_within(np.ascontiguousarray(noise[:, :, ::-1]), height, width, window)[:, :, ::-1]
        if not np.array_equal(found, window.of(_whole(noise, height, width, "area"))):
            return False
    return True
