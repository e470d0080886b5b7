"""What is asked of every task, and how one is found by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from benchloom.base.members import members, module_of
from benchloom.base.names import nearest_or_all
from benchloom.errors import InputError
from benchloom.harness.backends.seam import Session
from benchloom.harness.inputs import Inputs
from benchloom.harness.predictor import Predictor
from benchloom.harness.prepared import Prepared
from benchloom.model.facts import Model, Tensor

ROOM = "benchloom.harness.tasks"


@dataclass(frozen=True)
class Score:
    """What an accuracy log is worth.

    Attributes:
        metric: the metric that the task is judged by.
        values: every metric with its value; without ``metric`` there is no figure, and ``problem`` says why.
        total: how many samples were scored.
        correct: how many of them are right, if a sample is either right or wrong.
        problem: why there is no figure; empty if there is one.
        chance: what a network that knows nothing might reach.
        shifted: the value of ``metric`` if a number were added to each predicted label.
        labels_key: where the facts of the model say what its labels stand for.
    """

    metric: str
    values: Mapping[str, float]
    total: int
    chance: float
    shifted: Callable[[int], float]
    labels_key: str
    correct: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class OfficialScoring:
    """The official ``command`` for a log (empty if no script can read the data set).

    ``problem`` says why it gives another figure than ours; it is empty if both agree.
    """

    command: tuple[str, ...] = ()
    problem: str = ""


class Task(Protocol):
    """A module of this room. No other module asks what the task of a model is."""

    def used_outputs(self, model: Model) -> tuple[Tensor, ...]:
        """Return those outputs of ``model`` that are computed and read."""

    def read_samples(self, folder: Path) -> Prepared:
        """Open what the pre-processing left in ``folder``. Raises OSError or ValueError if it cannot be read."""

    def completed(self, inputs: Inputs, session: Session) -> Inputs:
        """Return ``inputs`` with those facts of the model that only its network tells, as far as they can be found out."""

    def refuse_unscorable(self, model: Model) -> None:
        """Raise InputError if the facts of ``model`` do not say how its predictions are scored."""

    def predictor(self, session: Session, inputs: Inputs, batch_size: int) -> Predictor:
        """Return what turns samples into responses. Raises InputError if the facts do not say how outputs are read."""

    def score(self, place: Path, inputs: Inputs, folder: Path) -> Score:
        """Score the accuracy log in ``place``, and draw what a person wants to see of it below ``folder``.

        Raises ExecutionError if the log is incomplete, InputError if it holds labels that the data set does not have.
        """

    def official_scoring(self, inputs: Inputs, log: str) -> OfficialScoring:
        """Return MLPerf's own command that scores the accuracy log ``log`` of a run over ``inputs``."""


def tasks() -> tuple[str, ...]:
    """Return the names of all tasks."""
    return members(ROOM)


def task_of(model: Model) -> Task:
    """Return the task of ``model``. Raises InputError naming those that there are."""
    known = tasks()
    if model.task not in known:
        raise InputError(
            f"{model.task!r} is not a task",
            where=f"model.task of {model.name}",
            fix=nearest_or_all(model.task, known),
        )
    return cast("Task", module_of(ROOM, model.task))
