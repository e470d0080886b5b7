"""A backend whose scores are known, and a classifier over it."""

import numpy as np

from benchloom.harness.inputs import Inputs, Samples
from benchloom.harness.tasks.image_classification import Classifier
from benchloom.model.facts import Backend, Classes, Model, Tensor

SAMPLES = np.arange(20, dtype=np.float32).reshape(20, 1)


class OneHot:
    """Scores class ``sample value mod 10``, and remembers whether it was given views of the samples."""

    name, version = "one-hot", "1"

    def __init__(self, index_output: bool) -> None:
        self.index_output = index_output
        self.batches: list[np.ndarray] = []

    def run(self, tensors: list[np.ndarray]) -> list[np.ndarray]:
        [batch] = tensors
        self.batches.append(batch)
        classes = batch[:, 0].astype(np.int64) % 10
        return [classes if self.index_output else np.eye(10, dtype=np.float32)[classes]]

    def settings(self) -> dict[str, str | int | float | bool | None]:
        return {}


def predictor(offset: int = 0, prediction: str = "argmax", count: int | None = 10) -> tuple[Classifier, OneHot]:
    tensor = Tensor(name="x", shape=("N", 1), dtype="float32")
    model = Model(
        name="m",
        task="image-classification",
        format="onnx",
        precision="fp32",
        inputs=(tensor,),
        outputs=(tensor,),
        classes=Classes(count=count, offset=offset) if count else None,
        prediction=prediction,  # type: ignore[arg-type]
    )
    backend = OneHot(prediction == "index")
    inputs = Inputs(model, "", Backend(name="x"), "d", Samples((SAMPLES,)), np.zeros(20, np.int64))
    return Classifier(backend, inputs, 8), backend
