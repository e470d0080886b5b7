"""What the facts of a small PyTorch model say; torch itself is not needed here."""

from benchloom.model.facts import Classes, Model, Tensor


def torch_model(format: str, architecture: str = "") -> Model:
    """Return the facts of the digits' network in a file of ``format``."""
    return Model(
        name="digits",
        task="image-classification",
        format=format,
        precision="fp32",
        architecture=architecture,
        inputs=(Tensor(name="input", shape=("N", 1, 32, 32), dtype="float32"),),
        outputs=(Tensor(name="logits"),),
        classes=Classes(count=10),
    )
