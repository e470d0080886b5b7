"""Profiles: pre-processing as data, executed step by step.

Each operation equals that of the MLPerf reference application (vision/classification_and_detection/python/dataset.py at
r1.0, and torchvision's functions that it calls), in the same order of casts, so that the arrays are equal bit by bit.

Three operations are reordered without changing any bit: colours stay in the decoder's order until the end; a resize
computes only what the next crop keeps; and the final arithmetic is done once for each of the
256 bytes and looked up or, if the pixels are floats by then, some rows at a time, which fit the processor's cache.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.harness.decoding import DamagedImageError, decode
from benchloom.harness.resizing import Window, is_exact, resize
from benchloom.model.facts import Profile, Step

__all__ = ["DamagedImageError", "apply"]

Image = NDArray[Any]

_STRIP = 1 << 17  # values of an image that are calculated at a time
_LOOKED_UP = (np.dtype(np.uint8), np.dtype(np.int8), np.dtype(np.float32))  # largest index of OpenCV's tables


@dataclass(frozen=True)
class _Parts:
    """The steps of a profile: each of ``first`` with the crop that follows it, the arithmetic ``last``, and the layout.

    ``is_late``: colours are still to be reversed after the first steps.
    """

    first: tuple[tuple[Step, Step | None], ...]
    last: tuple[Step, ...]
    layout: str
    is_late: bool


def apply(profile: Profile, path: Path, out: Image | None = None) -> Image:
    """Return one sample (the profile's shape and dtype) from an image file, in ``out`` if given.

    ``out`` is contiguous and has that shape and dtype. Raises DamagedImageError naming the file if it cannot be
    decoded, InputError if the steps do not give the profile's shape and dtype.
    """
    parts = _parts(profile)
    image: Image = np.empty(0)
    for step, crop in parts.first:
        image = _decoded(step, parts, path) if step.op == "decode" else _carried_out(step, crop, image, profile, path)
    none = image[:0]  # rows, to determine the output of the arithmetic and its applicability
    for step in parts.last:
        none = _carried_out(step, None, none, profile, path, height=len(image))
    _refuse_others(_laid_out((len(image), *none.shape[1:]), parts.layout), none.dtype, profile, path)
    sample = np.empty(profile.shape, profile.dtype) if out is None else out
    _write(image, parts, sample)
    return sample


@lru_cache
def _parts(profile: Profile) -> _Parts:
    steps = list(profile.steps)
    layout = steps.pop().layout if steps and steps[-1].op == "transpose" else ""
    last: list[Step] = []
    while steps and steps[-1].op in _ARITHMETIC:
        last.insert(0, steps.pop())
    return _Parts(tuple(_with_crops(steps)), tuple(last), layout, _may_turn_late(steps))


def _with_crops(steps: list[Step]) -> Iterator[tuple[Step, Step | None]]:
    is_taken = False
    for step, following in zip_longest(steps, steps[1:]):
        crop = following if step.op == "resize" and following and following.op == "crop" else None
        if not is_taken:
            yield step, crop
        is_taken = crop is not None


def _may_turn_late(steps: list[Step]) -> bool:
    """Tell whether the steps between decoding and the arithmetic do not depend on the order of colours.

    Bytes do not: they are resized with integers, by area with sums that `is_exact` compares. The rounding of floats
    may depend on their position in a row.
    """
    return (
        [step.colour for step in steps if step.op == "decode"] == ["rgb"]
        and all(step.op in {"decode", "resize", "crop"} for step in steps)
        and (all(step.interpolation != "area" for step in steps) or is_exact())
    )


def _decoded(step: Step, parts: _Parts, path: Path) -> Image:
    image = decode(path, "gray" if step.colour == "gray" else "bgr")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if step.colour == "rgb" and not parts.is_late else image


def _carried_out(
    step: Step, crop: Step | None, image: Image, profile: Profile, path: Path, height: int | None = None
) -> Image:
    """Apply a step to an image, or to an empty image of height ``height``."""
    try:
        return _resize(image, step, crop) if step.op == "resize" else _STEPS[step.op](image, step)
    except (ValueError, TypeError, cv2.error) as error:  # TypeError: Pillow does not support this type of image
        shape = image.shape if height is None else (height, *image.shape[1:])
        raise InputError(
            f"step {step.op} of profile {profile.name} cannot be applied to {image.dtype.name} {shape}",
            where=str(path),
            why=[str(error)],
            fix="fix the steps of the profile",
        ) from error


def _refuse_others(shape: tuple[int, ...], dtype: np.dtype[Any], profile: Profile, path: Path) -> None:
    if shape != profile.shape or dtype != np.dtype(profile.dtype):
        raise InputError(
            f"profile {profile.name} gives {dtype.name} {shape}, it states {profile.dtype} {profile.shape}",
            where=str(path),
            fix="fix the steps or the shape of the profile",
        )


# -- geometry

# The offset of a crop from the number of dropped pixels: the reference's, and those of torchvision's releases.
_FIRST: dict[str, Callable[[int], int]] = {
    "": lambda dropped: int(dropped / 2),
    "round": lambda dropped: round(dropped / 2),
    "half-up": lambda dropped: int((dropped + 1) * 0.5),
}


def _resize(image: Image, step: Step, crop: Step | None) -> Image:
    height, width = _target(image, step)
    window = _window(height, width, crop) if crop else None
    return resize(image, height, width, step.interpolation or "linear", window)


def _target(image: Image, step: Step) -> tuple[int, int]:
    """Height and width to resize to; with ``short-side`` the long side keeps the aspect ratio, rounded down."""
    if step.mode != "short-side":
        return step.size[0], step.size[-1]
    height, width = image.shape[:2]
    short = step.size[0]
    if height > width:
        return int(short * height / width), short
    return short, int(short * width / height)


def _window(height: int, width: int, step: Step) -> Window:
    first = _FIRST[step.mode]
    return Window(first(height - step.size[0]), first(width - step.size[-1]), step.size[0], step.size[-1])


def _crop(image: Image, step: Step) -> Image:
    return _window(image.shape[0], image.shape[1], step).of(image)


def _transpose(image: Image, step: Step) -> Image:
    channelled = image[:, :, np.newaxis] if image.ndim == 2 else image
    return channelled.transpose(2, 0, 1) if step.layout == "NCHW" else channelled


# -- arithmetic


def _values(image: Image, step: Step) -> Image:
    """The step's values in the image's dtype: one for all, or one per channel."""
    if image.ndim == 3 and len(step.values) == image.shape[2] > 1:
        return _along_row(step.values, image.shape[1], image.dtype)
    return np.asarray(step.values if len(step.values) > 1 else step.values[0], image.dtype)


@lru_cache
def _along_row(values: tuple[float, ...], width: int, dtype: np.dtype[Any]) -> Image:
    """One value per channel, repeated for each pixel: NumPy is fast along whole rows, not along three values."""
    return np.tile(np.asarray(values, dtype), (width, 1))


_ARITHMETIC: dict[str, Callable[[Image, Step], Image]] = {
    "cast": lambda image, step: image.astype(step.dtype),
    "subtract": lambda image, step: image - _values(image, step),
    "divide": lambda image, step: image / _values(image, step),
    "multiply": lambda image, step: image * _values(image, step),
}
_STEPS = {**_ARITHMETIC, "crop": _crop, "transpose": _transpose}


def _calculated(image: Image, steps: tuple[Step, ...]) -> Image:
    for step in steps:
        image = _ARITHMETIC[step.op](image, step)
    return image


@lru_cache
def _table(steps: tuple[Step, ...]) -> Image:
    """The result of the steps for each byte: 256 x 1, or 256 x channels if values differ by channel."""
    channels = max((len(step.values) for step in steps), default=1) or 1
    return np.ascontiguousarray(_calculated(np.arange(256, dtype=np.uint8)[:, np.newaxis].repeat(channels, 1), steps))


# -- the sample


def _laid_out(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    if not layout or len(shape) < 2:
        return shape
    height, width, channels = shape if len(shape) == 3 else (*shape, 1)
    return (channels, height, width) if layout == "NCHW" else (height, width, channels)


def _write(image: Image, parts: _Parts, sample: Image) -> None:
    """Apply the last steps and write the result to the sample, which has the right shape."""
    has_channels = image.ndim == 3 and image.shape[2] == 3
    is_gray = image.ndim == 2 and all(len(step.values) < 2 for step in parts.last)
    if image.dtype == np.uint8 and (has_channels or is_gray) and sample.dtype in _LOOKED_UP:
        _look_up(image, parts, sample)
        return
    ordered = image[:, :, ::-1] if parts.is_late else image
    target = sample.transpose(1, 2, 0) if parts.layout == "NCHW" else sample
    count = max(1, _STRIP * len(image) // image.size)
    for start in range(0, len(image), count):
        rows, place = _calculated(ordered[start : start + count], parts.last), target[start : start + count]
        place[...] = rows.reshape(place.shape)


def _look_up(image: Image, parts: _Parts, sample: Image) -> None:
    table = _table(parts.last)
    if parts.layout == "NCHW":
        planes = cv2.split(image)
        for number, plane in enumerate(reversed(planes) if parts.is_late else planes):
            column = np.ascontiguousarray(table[:, number % table.shape[1]])
            _keep(cv2.LUT(plane, column, dst=sample[number]), sample[number])
        return
    ordered = cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if parts.is_late else image
    _keep(cv2.LUT(ordered, table.reshape(1, 256, -1), dst=sample), sample)


def _keep(found: Image, place: Image) -> None:
    """Copy the result if OpenCV allocated a new array instead of using the given one."""
    if found is not place:
        place[...] = found.reshape(place.shape)
