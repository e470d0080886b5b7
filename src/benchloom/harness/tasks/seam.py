"""The interface of tasks, and how they are found by name."""

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
    """The score of an accuracy log.

    Attributes:
        metric: the primary metric of the task.
        values: every metric with its value; if ``metric`` is missing, ``problem`` states why.
        total: the number of scored samples.
        correct: the number of correct ones, if a sample is either correct or not.
        problem: why there is no figure; empty if there is one.
        chance: what an untrained network might reach.
        shifted: the value of ``metric`` if a number were added to each predicted label.
        labels_key: the key in the model's facts that states the meaning of its labels.
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

    ``problem`` states why its figure differs; empty if both agree.
    """

    command: tuple[str, ...] = ()
    problem: str = ""


class Task(Protocol):
    """A module of this package. No other code depends on the task of a model."""

    def used_outputs(self, model: Model) -> tuple[Tensor, ...]:
        """Return the outputs of ``model`` that are used."""

    def read_samples(self, folder: Path) -> Prepared:
        """Open the output of the pre-processing in ``folder``. Raises OSError or ValueError if it cannot be read."""

    def completed(self, inputs: Inputs, session: Session) -> Inputs:
        """Return ``inputs`` with facts of the model derived from its network, if possible."""

    def refuse_unscorable(self, model: Model) -> None:
        """Raise InputError if the facts of ``model`` do not state how its predictions are scored."""

    def predictor(self, session: Session, inputs: Inputs, batch_size: int) -> Predictor:
        """Return the predictor of samples. Raises InputError if the facts do not state how outputs are read."""

    def score(self, place: Path, inputs: Inputs, folder: Path) -> Score:
        """Score the accuracy log in ``place``, and draw images for people below ``folder``.

        Raises ExecutionError if the log is incomplete, InputError if it contains labels that the data set does not
        have.
        """

    def official_scoring(self, inputs: Inputs, log: str) -> OfficialScoring:
        """Return MLPerf's command that scores the accuracy log ``log`` of a run over ``inputs``."""


def tasks() -> tuple[str, ...]:
    """Return the names of all tasks."""
    return members(ROOM)


def task_of(model: Model) -> Task:
    """Return the task of ``model``. Raises InputError with the known ones."""
    known = tasks()
    if model.task not in known:
        raise InputError(
            f"{model.task!r} is not a task",
            where=f"model.task of {model.name}",
            fix=nearest_or_all(model.task, known),
        )
    return cast("Task", module_of(ROOM, model.task))
