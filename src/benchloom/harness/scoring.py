"""Score the accuracy run, or state why it has no accuracy."""

from pathlib import Path

from benchloom.harness.inputs import Inputs
from benchloom.harness.logs import read_details
from benchloom.harness.official import official_scoring
from benchloom.harness.tasks.seam import Score, task_of
from benchloom.model.facts import Reference
from benchloom.model.record import Accuracy
from benchloom.rules.metrics import MEAN_AVERAGE_PRECISION, TOP1

# Below this fraction of the published accuracy, the cause is not the network.
FAR_BELOW = 0.5
# The fields that schema 1 of results has for single metrics.
_FIELDS = {TOP1.name: TOP1.name, MEAN_AVERAGE_PRECISION.name: "mean_average_precision"}


def score(place: Path, inputs: Inputs, folder: Path) -> tuple[Accuracy, tuple[str, ...]]:
    """Score the accuracy run with logs in ``place``; images drawn by the task go below ``folder``.

    Returns the accuracy with its reference, target and official command, and notes for a person. Raises what the task
    raises.
    """
    scored = task_of(inputs.model).score(place, inputs, folder)
    details, official = read_details(place), official_scoring(inputs, place.relative_to(folder))
    stated = inputs.model.reference
    reference = stated if stated and stated.metric == scored.metric else None
    accuracy = Accuracy(
        metric=scored.metric,
        values=dict(scored.values),
        **_fields(scored),
        correct=scored.correct,
        total=scored.total,
        reference=reference.value if reference else None,
        reference_source=reference.source if reference else "",
        target=reference.target if reference else None,
        problem=scored.problem,
        errors=tuple(details.errors),
        warnings=tuple(details.warnings),
        official_command=official.command,
        official_problem=official.problem,
    )
    return accuracy, far_below(scored, reference)


def _fields(scored: Score) -> dict[str, float]:
    """Return the score in the fields of schema 1, for readers of that schema."""
    return {_FIELDS[metric]: value for metric, value in scored.values.items() if metric in _FIELDS}


def far_below(scored: Score, stated: Reference | None) -> tuple[str, ...]:
    """Return a note on an accuracy far below its reference, with the shift of labels that explains it, if any.

    Without a reference, the accuracy is compared with that of an untrained network.
    """
    value, guess = scored.values.get(scored.metric), scored.chance
    reference = stated.value if stated else None
    if value is None or value >= (guess if reference is None else FAR_BELOW * reference):
        return ()
    found = []
    if reference is not None:
        found.append(
            f"accuracy {100 * value:.2f} % is far below the published {100 * reference:.2f} %: the files, labels or pre-processing do not "
            "match"
        )
    shifts = {shift: scored.shifted(shift) for shift in (-1, 1)}
    best = max(shifts, key=lambda shift: shifts[shift])
    if shifts[best] > 2 * value + guess / 2:
        found.append(
            f"with 1 {'added to' if best > 0 else 'taken from'} each predicted label, accuracy would be {100 * shifts[best]:.2f} %: see "
            f"{scored.labels_key}, and whether the labels of the data set count from 0"
        )
    return tuple(found)
