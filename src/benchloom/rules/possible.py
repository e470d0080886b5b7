"""Runs that are impossible on any machine: refused during planning, and again by the harness."""

from benchloom.errors import InputError
from benchloom.model.facts import Model
from benchloom.rules.scenarios import SCENARIOS


def refuse_impossible(
    model: Model | None, *, scenario: str, mode: str, instances: int = 1, batch_size: int | None = None
) -> None:
    """Raise InputError if these inputs contradict each other or the facts of ``model`` (None: not known yet)."""
    row = SCENARIOS.get(scenario)
    if instances > 1 and row and not row.uses_instances:
        others = [item.name for item in SCENARIOS.values() if item.uses_instances]
        raise InputError(
            f"{scenario} issues one sample at a time, so a second instance would be idle",
            where="--instances",
            fix=f"omit it, or choose {', '.join(others[:-1])} or {others[-1]}",
        )
    if model is None:
        return
    if batch_size and model.max_batch and batch_size > model.max_batch:
        raise InputError(f"the model supports batches of at most {model.max_batch}", where="--batch_size")
    if mode != "performance" and model.weights == "random":
        raise InputError(
            f"the weights of {model.name} are random, so it has no accuracy",
            where="--mode",
            fix="measure its speed with --mode=performance, or choose a trained model",
        )
