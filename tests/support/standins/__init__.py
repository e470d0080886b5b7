"""Stand-ins for model files in formats that only their own library writes.

    python -m support.standins.tensorflow WHAT FILE          (an interpreter that has TensorFlow)
    python -m support.standins.pytorch WHAT FILE             (an interpreter that has PyTorch)

``planted-…`` are networks that answer with the class of the red channel's mean: red 120 is class 12, whatever green and blue are;
``full-…`` are networks of the real size with seeded random weights; with LOOM_TEST_FULL_SIZE planted ones are as large (``burdens``). Each module lists what it makes in ``FILES``.

A planted network climbs a ladder: step ``k`` is 0 up to red ``10 k - 8`` and full from ``10 k - 2`` on, so that a JPEG or eight bits
may move a colour by two. Class ``k`` scores step ``k`` less step ``k + 1``.
"""

import numpy as np
from numpy.typing import NDArray

STEPS = 26
WIDTH = 6.0


def foot(step: int) -> float:
    """Return the red from which ``step`` begins to rise; it has risen ``WIDTH`` further on."""
    return 10.0 * step - 8


def scores(classes: int, offset: int) -> NDArray[np.float32]:
    """Return the weights (steps x classes) from steps to scores, class 0 behind ``offset`` others."""
    weights = np.zeros((STEPS, classes), np.float32)
    for step in range(STEPS):
        weights[step, step + offset] = 1
        if step:
            weights[step, step - 1 + offset] = -1
    return weights
