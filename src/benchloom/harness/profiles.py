"""Profiles: pre-processing as data, executed step by step.

Each operation does what the MLPerf reference application's does (vision/classification_and_detection/python/dataset.py
at r1.0, and torchvision 0.8.2 where it calls that), in the same order of casts, so that the arrays are equal bit by bit.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.model.facts import Profile, Step

Image = NDArray[Any]

_START_OF_SCAN = 0xDA
_INTERPOLATIONS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR}


class DamagedImageError(InputError):
    """A file that is no image, or only the beginning of one. Others may be sound: the caller can go on."""


def apply(profile: Profile, path: Path) -> Image:
    """Return one sample (the profile's shape and dtype) from an image file.

    Raises DamagedImageError naming the file where it cannot be decoded, InputError where the steps do not give the
    profile's shape and dtype.
    """
    image: Image = np.empty(0)
    for step in profile.steps:
        image = _decode(step, path) if step.op == "decode" else _carried_out(step, image, profile, path)
    if image.shape != profile.shape or image.dtype.name != profile.dtype:
        raise InputError(
            f"profile {profile.name} gives {image.dtype.name} {image.shape}, it states {profile.dtype} {profile.shape}",
            where=str(path),
            fix="mend the steps or the shape of the profile",
        )
    return image


def _carried_out(step: Step, image: Image, profile: Profile, path: Path) -> Image:
    try:
        return _STEPS[step.op](image, step)
    except (ValueError, TypeError, cv2.error) as error:  # TypeError: Pillow has no such kind of picture
        raise InputError(
            f"step {step.op} of profile {profile.name} cannot be applied to {image.dtype.name} {image.shape}",
            where=str(path),
            why=[str(error)],
            fix="mend the steps of the profile",
        ) from error


def _decode(step: Step, path: Path) -> Image:
    """Decode as the reference does, whatever the name ends in: turned as EXIF says, CMYK as colours, gray as three equal ones.

    OpenCV fills what a file that was cut off lacks with gray, and the reference goes on with that; here it is an error.
    """
    flag = cv2.IMREAD_GRAYSCALE if step.colour == "gray" else cv2.IMREAD_COLOR
    try:
        image, data = cv2.imread(str(path), flag), path.read_bytes()
    except (OSError, cv2.error) as error:
        raise DamagedImageError("the image cannot be read", where=str(path), why=[str(error)]) from error
    if image is None:
        raise DamagedImageError("the image cannot be decoded", where=str(path), fix="replace the damaged file")
    if _is_cut_off(data):
        raise DamagedImageError("the image is cut off", where=str(path), fix="replace the damaged file")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if step.colour == "rgb" else image


def _is_cut_off(data: bytes) -> bool:
    """Tell whether a JPEG ends before its end marker. Segments are skipped: a thumbnail in one has an end of its own."""
    if not data.startswith(b"\xff\xd8"):
        return False
    place = 2
    while data[place : place + 1] == b"\xff" and data[place + 1] != _START_OF_SCAN:
        is_filled = data[place + 1] == 0xFF  # any number of these may stand before a marker
        place += 1 if is_filled else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return data.find(b"\xff\xd9", place if place < len(data) else 2) < 0


def _resize(image: Image, step: Step) -> Image:
    height, width = _target(image, step)
    if step.interpolation == "pil-bilinear":
        from PIL import Image as Pillow  # late: only this step needs it

        return np.asarray(Pillow.fromarray(image).resize((width, height), Pillow.Resampling.BILINEAR))
    return cv2.resize(image, (width, height), interpolation=_INTERPOLATIONS[step.interpolation or "linear"])


def _target(image: Image, step: Step) -> tuple[int, int]:
    """Height and width to resize to; in ``short-side`` the long side keeps the aspect, rounded down."""
    if step.mode != "short-side":
        return step.size[0], step.size[-1]
    height, width = image.shape[:2]
    short = step.size[0]
    if height > width:
        return int(short * height / width), short
    return short, int(short * width / height)


def _crop(image: Image, step: Step) -> Image:
    height, width = step.size[0], step.size[-1]
    whole = round if step.mode == "round" else int
    top, left = whole((image.shape[0] - height) / 2), whole((image.shape[1] - width) / 2)
    return image[top : top + height, left : left + width]


def _cast(image: Image, step: Step) -> Image:
    return image.astype(step.dtype)


def _values(image: Image, step: Step) -> Image:
    """The step's values in the image's dtype: one for all, or one per channel."""
    return np.asarray(step.values if len(step.values) > 1 else step.values[0], image.dtype)


def _transpose(image: Image, step: Step) -> Image:
    channelled = image[:, :, np.newaxis] if image.ndim == 2 else image
    return channelled.transpose(2, 0, 1) if step.layout == "NCHW" else channelled


_STEPS: dict[str, Callable[[Image, Step], Image]] = {
    "resize": _resize,
    "crop": _crop,
    "cast": _cast,
    "subtract": lambda image, step: image - _values(image, step),
    "divide": lambda image, step: image / _values(image, step),
    "multiply": lambda image, step: image * _values(image, step),
    "transpose": _transpose,
}
