"""What every planted detector answers, whatever library computes it.

A picture of one colour with red ``10 r``, green ``10 g`` and blue ``10 b`` (JPEG may move them by two) holds, at the same scores in every picture,

1. a box from ``r / 25`` down and ``g / 25`` to the right, 0.3 high and 0.45 wide, of label ``b``,
2. a box of label 1 that is always in the same place,
3. the first box again, of label ``b + MISTAKEN``.

All is linear in the levels ``(r, g, b)``: ``level @ weights + bias``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 10.0  # of 255: from one level of a colour to the next
GRID = 25.0  # levels from one side of the picture to the other
HEIGHT, WIDTH = 0.3, 0.45
FIXED = (0.05, 0.55, 0.25, 0.95)  # top, left, bottom, right of the second box
MISTAKEN = 9
SURE = 0.9

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Linear:
    """``level @ weights + bias``, reshaped to a row of ``shape`` for each picture."""

    weights: Array
    bias: Array
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Planted:
    """How a network states its boxes: ``order`` of the corners, ``count`` of boxes in its outputs, the scores of the last two."""

    order: str
    boxes: int
    unsure: tuple[float, float]

    def outputs(self) -> dict[str, Linear]:
        """Return the outputs by their meaning; ``count`` leaves out the third box."""
        corners, labels = np.zeros((3, self.boxes, 4), np.float32), np.zeros((3, self.boxes), np.float32)
        places, names, scores = (np.zeros(shape, np.float32) for shape in ((self.boxes, 4), self.boxes, self.boxes))
        for box in (0, 2):
            corners[0, box, [0, 2]] = corners[1, box, [1, 3]] = 1 / GRID
            places[box] = (0, 0, HEIGHT, WIDTH)
            labels[2, box] = 1
        places[1] = FIXED
        names[:3] = (0, 1, MISTAKEN)
        scores[:3] = (SURE, *self.unsure)
        if self.order == "xyxy":
            corners, places = corners[..., [1, 0, 3, 2]], places[..., [1, 0, 3, 2]]
        nothing = np.zeros((3, self.boxes), np.float32)
        return {
            "boxes": Linear(corners.reshape(3, -1), places.reshape(-1), (self.boxes, 4)),
            "labels": Linear(labels, names, (self.boxes,)),
            "scores": Linear(nothing, scores, (self.boxes,)),
            "count": Linear(nothing[:, :1], np.array([2], np.float32), ()),
        }


@dataclass(frozen=True)
class Colours:
    """The pre-processing that a network undoes: ``(colour - mean) / deviation``, by channel (red, green, blue)."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)


BYTES = Colours()
NORMALISED = Colours(mean=(0.485 * 255, 0.456 * 255, 0.406 * 255), deviation=(0.229 * 255, 0.224 * 255, 0.225 * 255))
# Rows of SSD-MobileNet state no threshold and count their boxes, those of SSD-ResNet-34 end below a threshold.
MOBILENET = Planted("yxyx", 100, (0.2, 0.1))
RESNET34_PYTORCH = Planted("xyxy", 3, (0.45, 0.4))
RESNET34_TENSORFLOW = Planted("yxyx", 3, (0.04, 0.03))
