"""Tiny networks for backends, and the facts that fit them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchloom.model.facts import Classes, Model, Tensor

HERE = Path(__file__).resolve().parent
WEIGHTS = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 3], [0, 0, 0]], np.float32)
BIAS = np.array([0, 0.5, 0], np.float32)


def scores(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the tiny networks say to ``batch`` (N x 2 x 2 x 1)."""
    return batch.reshape(-1, 4) @ WEIGHTS + BIAS


def tiny(
    format: str,
    *,
    names: tuple[str, str] = ("input", "scores"),
    dtype: str = "float32",
    shape: tuple[int | str, ...] = ("N", 2, 2, 1),
) -> Model:
    """Return the facts of a tiny network; by default they are true."""
    return Model(
        name="tiny",
        task="image-classification",
        format=format,
        precision="fp32",
        inputs=(Tensor(name=names[0], shape=shape, dtype=dtype),),
        outputs=(Tensor(name=names[1]),),
        classes=Classes(count=3),
    )
