"""What cannot be run whatever the machine: said while it is planned, and once more by the harness."""

from benchloom.errors import InputError
from benchloom.model.facts import Model


def refuse_impossible(
    model: Model | None, *, scenario: str, mode: str, instances: int = 1, batch_size: int | None = None
) -> None:
    """Raise InputError if these inputs contradict each other, or what ``model`` (None: not known yet) states of itself."""
    if scenario == "SingleStream" and instances > 1:
        raise InputError(
            "SingleStream asks for one sample at a time, so a second instance would have nothing to do",
            where="--instances",
            fix="leave it out, or choose MultiStream, Server or Offline",
        )
    if model is None:
        return
    if batch_size and model.max_batch and batch_size > model.max_batch:
        raise InputError(f"the model takes batches of at most {model.max_batch}", where="--batch_size")
    if mode != "performance" and model.weights == "random":
        raise InputError(
            f"the weights of {model.name} are random, so it has no accuracy",
            where="--mode",
            fix="measure its speed with --mode=performance, or choose a trained model",
        )
