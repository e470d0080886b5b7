"""The engine of experiments: a judge chooses the next runs, each run is journalled, and the judge is asked again.

Tuning, sweeps, compliance and submission differ only in their judges.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from benchloom.errors import ExecutionError
from benchloom.experiments.journal import Journal
from benchloom.model.experiment import RunSpec, Trial

Verdict_co = TypeVar("Verdict_co", covariant=True)
Runner = Callable[[RunSpec], Trial]
_FAILURES = 3  # consecutive failures without a measurement that end an experiment


class Judge(Protocol[Verdict_co]):
    """The strategy of an experiment. Both methods depend only on the trials, so that an experiment can be resumed."""

    def ask(self, trials: Sequence[Trial]) -> Sequence[RunSpec]:
        """Return the next runs; none if the experiment is complete."""

    def verdict(self, trials: Sequence[Trial]) -> Verdict_co:
        """Return the verdict on the trials so far."""


def lacking(wanted: Iterable[RunSpec], trials: Sequence[Trial]) -> list[RunSpec]:
    """Return the specs in ``wanted`` without a trial."""
    made = [trial.spec for trial in trials]
    return [spec for spec in wanted if spec not in made]


def _ignore(_trial: Trial) -> None:
    """Report nothing."""


def drive(
    judge: Judge[object],
    run: Runner,
    journal: Journal,
    *,
    budget: float = math.inf,
    report: Callable[[Trial], None] = _ignore,
) -> bool:
    """Execute the runs that ``judge`` requests until it requests none; return False if ``budget`` was spent before.

    ``budget`` is in seconds of these runs: no further one is started once they are spent. ``report`` is called after
    each run. Raises ExecutionError if all runs failed, and what ``run`` raises; earlier runs stay in the journal.
    """
    spent = 0.0
    while specs := judge.ask(journal.trials):
        for spec in specs:
            if spent >= budget:
                return False
            trial = run(spec)
            journal.append(trial)
            spent += trial.seconds
            report(trial)
            _refuse_failures(journal.trials, _FAILURES)
    _refuse_failures(journal.trials, 1)
    return True


def _refuse_failures(trials: Sequence[Trial], at_least: int) -> None:
    """Raise ExecutionError if all ``trials`` failed and there are enough of them."""
    if len(trials) < at_least or any(trial.status == "ok" for trial in trials):
        return
    last = trials[-1]
    raise ExecutionError(
        f"every run of {last.spec.target} failed ({len(trials)} of them)",
        where=last.record,
        why=last.reasons,
        fix="run it separately first: loom run, with the same arguments",
    )
