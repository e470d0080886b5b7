"""The engine of every experiment: a judge says what to run next, each run is journalled, and the judge looks again.

Tuning, sweeps, compliance and submission differ in their judges alone.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from benchloom.errors import ExecutionError
from benchloom.experiments.journal import Journal
from benchloom.model.experiment import RunSpec, Trial

Verdict_co = TypeVar("Verdict_co", covariant=True)
Runner = Callable[[RunSpec], Trial]
_FAILURES = 3  # so many failures before anything was measured end an experiment


class Judge(Protocol[Verdict_co]):
    """What an experiment wants to know. Both methods depend on the trials alone, so that an experiment can be resumed."""

    def ask(self, trials: Sequence[Trial]) -> Sequence[RunSpec]:
        """Return the runs to make next; none if the experiment is complete."""

    def verdict(self, trials: Sequence[Trial]) -> Verdict_co:
        """Return what the trials so far say."""


def lacking(wanted: Iterable[RunSpec], trials: Sequence[Trial]) -> list[RunSpec]:
    """Return the specs among ``wanted`` that no trial is of."""
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
    """Make the runs that ``judge`` asks for until it asks for none; return False if ``budget`` ended that before.

    ``budget`` is in seconds of the runs made here: none begins once they are spent. ``report`` is called after each run.
    Raises ExecutionError if nothing but failures was seen, and what ``run`` raises; what was run before stays in the journal.
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
    """Raise ExecutionError if all of ``trials`` failed, and they are enough."""
    if len(trials) < at_least or any(trial.status == "ok" for trial in trials):
        return
    last = trials[-1]
    raise ExecutionError(
        f"every run of {last.spec.target} failed ({len(trials)} of them)",
        where=last.record,
        why=last.reasons,
        fix="run it by itself first: loom run, with the same words",
    )
