"""Tune: search for the best settings of a program on this machine by short runs, which are journalled for resuming."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from benchloom.app.experimenting import SpecRunner
from benchloom.app.planning import plan
from benchloom.app.requests import PlanRequest
from benchloom.app.running import RunOptions
from benchloom.app.workspace import Workspace
from benchloom.base import bounded, limits
from benchloom.base.atomic import write_bytes
from benchloom.errors import InputError
from benchloom.experiments.engine import drive
from benchloom.experiments.journal import Journal
from benchloom.experiments.tuning_files import write_files
from benchloom.experiments.tuning_judges import TuningJudge, accepted, judge_of, probe_of
from benchloom.experiments.tuning_task import Task, make_task
from benchloom.model.base import Value, to_json
from benchloom.model.experiment import Trial
from benchloom.model.schema_version import refuse_newer_schema
from benchloom.model.tuning import TUNING_SCHEMA, Tuning
from benchloom.record.host import host_facts

_RESULT = "tuning.json"  # in the folder of a search; made of its journal after each probe


class TuneOptions(Value, frozen=True, kw_only=True):
    """Options of a search.

    Attributes:
        budget: seconds of probes after which no further one is started.
        over: values to try, as ``input=1,2,4``; other inputs are searched over default values.
        precision: the accepted gap above the highest valid target of Server, relative to it.
        is_fresh: whether results of earlier searches are discarded.
        out: the folder for user.conf and the lock; empty for the folder of the search.
        timeout: seconds after which one probe is killed.
        secrets: inputs that reach the program but no file.
        words: the target as typed, for printed commands.
        arguments: the whole command line, for the records.
        jobs: nodes to prepare at once.
    """

    budget: float
    over: tuple[str, ...] = ()
    precision: float = 0.05
    is_fresh: bool = False
    out: str = ""
    timeout: float | None = None
    secrets: dict[str, str] = {}
    words: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    jobs: int = 4


def tune(workspace: Workspace, request: PlanRequest, options: TuneOptions) -> Tuning:
    """Search until complete or the budget is spent, and write files for ``loom run`` if any run was valid.

    Raises what planning and preparing raise, InputError for a program that lacks the inputs to search over, and
    ExecutionError if every probe failed. Every probe is journalled at once.
    """
    task = make_task(plan(workspace, request), workspace.index, options.over, host_facts({}))
    folder = workspace.locations.tunings / f"{task.component.alias}-{task.scenario.name}-{task.key}"
    with _only_one(folder):
        return _Search(workspace, request, options, task, folder).run()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / "lock", timeout=0):
            yield
    except filelock.Timeout:
        raise InputError(
            "this search is already running",
            where=str(folder),
            fix="wait for it: concurrent searches would disturb each other",
        ) from None


def _refuse_newer(file: Path) -> None:
    """Raise InputError if a newer Benchloom wrote ``file``, which would be replaced."""
    with suppress(FileNotFoundError):
        data = bounded.read_bytes(file, limits.DOCUMENT_BYTES)
        refuse_newer_schema(data, TUNING_SCHEMA, what="the tuning", where=str(file))


class _Search:
    """One search: its judge, its runner, and the folder with its journal and results."""

    def __init__(
        self, workspace: Workspace, request: PlanRequest, options: TuneOptions, task: Task, folder: Path
    ) -> None:
        self.talk, self.options, self.task, self.folder = workspace.talk, options, task, folder
        self.judge: TuningJudge = judge_of(task, options.precision)
        if not options.is_fresh:
            _refuse_newer(folder / _RESULT)
        self.journal = Journal(folder / "journal.jsonl", is_fresh=options.is_fresh)
        self.runner = SpecRunner(
            workspace,
            request,
            RunOptions(
                timeout=options.timeout, secrets=options.secrets, arguments=options.arguments, jobs=options.jobs
            ),
        )

    def run(self) -> Tuning:
        """Execute the remaining runs, and return the state of the search."""
        made = len(self.journal.trials)
        kept = f"; cached probes: {made}" if made else ""
        self.talk.note(f"settings to try for {self.task.scenario.name}: {len(self.task.grid)}{kept}")
        try:
            drive(
                self.judge,
                lambda spec: accepted(self.runner.run(spec)),
                self.journal,
                budget=self.options.budget,
                report=self._report,
            )
        except (KeyboardInterrupt, SystemExit):
            self.talk.note("results are kept; run the same command to resume")
            raise
        return self._finish()

    def _report(self, trial: Trial) -> None:
        from benchloom.report.tunings import probe_line  # late: a search without probes renders none

        self.talk.note(f"probe {len(self.journal.trials)}: {probe_line(probe_of(trial))}")
        self._save(self.judge.verdict(self.journal.trials))

    def _save(self, tuning: Tuning) -> None:
        write_bytes(self.folder / _RESULT, to_json(tuning))

    def _finish(self) -> Tuning:
        """Write the files for the best settings."""
        tuning = self.judge.verdict(self.journal.trials)
        if best := tuning.best:
            out = Path(self.options.out).expanduser().resolve() if self.options.out else self.folder
            made = self.runner.plan({**best.settings.inputs(), "scenario": tuning.scenario})
            takes_conf = "user_conf" in self.task.inputs
            tuning = write_files(tuning, best, made, self.options.words, out, takes_conf=takes_conf)
        self._save(tuning)
        return tuning
