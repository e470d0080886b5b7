"""Decode image files to pixels, as the MLPerf reference application does with OpenCV."""

from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from benchloom.base import bounded, limits
from benchloom.errors import InputError

Image = NDArray[Any]

_START_OF_JPEG = b"\xff\xd8"
_END_OF_JPEG = b"\xff\xd9"
_START_OF_SCAN = b"\xff\xda"


class DamagedImageError(InputError):
    """A file that is not an image, or truncated. The caller can continue with other files."""


def decode(path: Path, colour: Literal["gray", "bgr"]) -> Image:
    """Return the pixels of an image file (height x width, or x 3 channels; uint8), whatever its extension.

    It is rotated by its EXIF orientation; CMYK is converted to RGB, gray to three equal channels. OpenCV fills the rest
    of a truncated file with gray, and the reference accepts that; here it is an error. Raises DamagedImageError naming
    the file.
    """
    flag = cv2.IMREAD_GRAYSCALE if colour == "gray" else cv2.IMREAD_COLOR
    try:
        data = bounded.read_bytes(path, limits.IMAGE_BYTES)
        is_cut_off = _is_cut_off(data)
        image = None if is_cut_off else _in_memory(data, flag)
        image = cv2.imread(str(path), flag) if image is None else image
    except (OSError, cv2.error) as error:
        is_too_large = "CV_IO_MAX_IMAGE_PIXELS" in str(error)
        why = f"it has more than {limits.IMAGE_PIXELS:,} pixels" if is_too_large else str(error)
        raise DamagedImageError("the image cannot be read", where=str(path), why=[why]) from error
    if image is None:
        raise DamagedImageError("the image cannot be decoded", where=str(path), fix="replace the damaged file")
    if is_cut_off:
        raise DamagedImageError("the image is truncated", where=str(path), fix="replace the damaged file")
    return image


def _in_memory(data: bytes, flag: int) -> Image | None:
    """Decode a JPEG without reading the file again; None for another format, or if it needs further checks.

    At the end of a file libjpeg assumes an end marker; in memory it has to exist.
    """
    if not data.startswith(_START_OF_JPEG):
        return None
    try:
        image: Image | None = cv2.imdecode(np.frombuffer(data + _END_OF_JPEG, np.uint8), flag)
    except cv2.error:
        return None
    return image


def _is_cut_off(data: bytes) -> bool:
    """Tell whether a JPEG ends before its end marker.

    Segments are skipped: a thumbnail in one has its own end marker.
    """
    if not data.startswith(_START_OF_JPEG):
        return False
    place = 2
    while data[place : place + 1] == b"\xff" and data[place : place + 2] != _START_OF_SCAN:
        is_filled = data[place + 1 : place + 2] in {b"\xff", b""}  # any number of these may stand before a marker
        place += 1 if is_filled else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return data.rfind(_END_OF_JPEG, place if place < len(data) else 2) < 0  # from the end, where it usually is
