"""Run and install: execute a plan, repeat the program, and write a Record in any case."""

import os
import shutil
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import msgspec

import benchloom
from benchloom.app.planning import plan
from benchloom.app.requests import PlanRequest
from benchloom.app.rulesets import is_official
from benchloom.app.workspace import Workspace
from benchloom.base.digest import of_bytes, of_file
from benchloom.datasets.files import label_file
from benchloom.errors import ExecutionError, InputError, RunTimeoutError
from benchloom.model.base import Document, SchemaTable, Value, to_json
from benchloom.model.facts import Facts
from benchloom.model.plan import Action, Plan
from benchloom.model.record import RECORD_SCHEMA, Record, Repetition, Results, Statistics
from benchloom.record.conditions import Watch
from benchloom.record.host import host_facts
from benchloom.record.records import save
from benchloom.record.statistics import over_results
from benchloom.resolve.lock import make_lock
from benchloom.run.check import check_before_long_work
from benchloom.run.concurrent_runs import measuring
from benchloom.run.context import ExecutionContext, Prepared
from benchloom.run.prepare import prepare
from benchloom.run.process import how_it_ended, last_lines, utc_now
from benchloom.run.program import program_of, run_program
from benchloom.store.entries import disk_full_reported
from benchloom.store.roots import protect_install, protect_record, protected

_RECORD_BYTES = 1 << 18  # reserved for the record and its root


class InstalledNode(Value, frozen=True, kw_only=True):
    """One node of an installation.

    Attributes:
        id: the node's id in the plan.
        roles: the roles it fills.
        action: what was done.
        key: content address of its result; empty if it is not in the store.
        path: where its result lies; empty for importable libraries.
    """

    id: str
    roles: tuple[str, ...]
    action: Action
    key: str
    path: str


class Installation(Document, frozen=True, kw_only=True):
    """What ``loom install`` installed.

    Attributes:
        target: what was asked for.
        python: path of the interpreter that serves it.
        nodes: in the order of the plan.
    """

    target: str
    python: str
    nodes: tuple[InstalledNode, ...]


def install(workspace: Workspace, request: PlanRequest, jobs: int) -> Installation:
    """Install the target and its requirements. Raises what planning and preparing raise."""
    made = plan(workspace, request, to_run=False)
    folder = new_folder(workspace, "install")
    with protected(workspace.store, made, folder.name):
        prepared = prepare(made, context_for(workspace, folder), jobs)
        protect_install(workspace.store, made)
    nodes = [
        InstalledNode(id=node.id, roles=node.roles, action=node.action, key=node.key, path=prepared.facts[node.id].path)
        for node in made.nodes
        if node.id in prepared.facts
    ]
    return Installation(target=made.target, python=str(prepared.python), nodes=tuple(nodes))


def context_for(workspace: Workspace, folder: Path, *, verify: bool = False) -> ExecutionContext:
    """Return the context of one execution whose logs go to ``folder/logs``; ``verify`` digests all reused files."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return ExecutionContext(
        repositories={item.alias: Path(item.path) for item in reversed(workspace.repositories)},
        store=workspace.store,
        fetcher=workspace.fetcher,
        talk=workspace.talk,
        environ=workspace.environ,
        offline=workspace.offline,
        logs=logs,
        runtime=_runtime(folder),
        find_links=workspace.mirror if workspace.mirror and Path(workspace.mirror).is_dir() else "",
        installer=workspace.settings.installer,
        verify=verify,
    )


class RunOptions(Value, frozen=True, kw_only=True):
    """How a program is run.

    Attributes:
        repetitions: the number of runs; a failure ends them.
        timeout: seconds after which one repetition is killed; None uses the program's own limit.
        secrets: inputs that are passed to the program but not written to any file.
        arguments: the command line, for the record, without the values of secrets.
        tags: tags of the record.
        jobs: the number of nodes to prepare concurrently.
        verify: digest all files reused from the store; official rulesets always do.
    """

    repetitions: int = 1
    timeout: float | None = None
    secrets: dict[str, str] = {}
    arguments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    jobs: int = 4
    verify: bool = False


def run(
    workspace: Workspace, made: Plan, options: RunOptions, echo: Callable[[str], None] | None = None
) -> tuple[Record, Path]:
    """Execute ``made`` and return the record and its path; the record is written before an error is raised.

    ``echo`` receives the output of the program. Raises ExecutionError (the program failed; its status is in the
    details), RunTimeoutError or, if the program reports invalid input, InputError, all naming the record, and what
    preparing raises, including InputError of the program's check, which leaves no record, since nothing was run.
    """
    program_of(made)
    folder = new_folder(workspace, made.target.rpartition(":")[2])
    with protected(workspace.store, made, folder.name):
        execution = _Execution(workspace, made, options, folder)
        execution.run(echo)
        record, path = execution.finish()
    _raise_failure(record, path, execution.place(len(record.repetitions)) / "stderr.txt", execution.refused)
    return record, path


class _Execution:
    """One run: its folder, the prepared nodes, and the repetitions done so far."""

    def __init__(self, workspace: Workspace, made: Plan, options: RunOptions, folder: Path) -> None:
        self.workspace, self.made, self.options, self.folder = workspace, made, options, folder
        self.started = utc_now()
        is_verified = options.verify or is_official(made)
        self.context = context_for(workspace, folder, verify=is_verified)
        check = check_before_long_work(made, self.context, options.secrets, folder / "check")
        self.prepared = prepare(made, self.context, options.jobs, check)
        self._reserved = folder / "reserved"
        with disk_full_reported(folder, "the run"):
            self._reserved.write_bytes(bytes(_RECORD_BYTES))
        self.done: list[Repetition] = []
        self.refused: InputError | None = None
        self.argv: list[str] = []

    def run(self, echo: Callable[[str], None] | None) -> None:
        """Repeat the program until one repetition fails. A record is also written after an interrupt."""
        begun, clock = utc_now(), time.monotonic()
        try:
            for number in range(1, self.options.repetitions + 1):
                begun, clock = utc_now(), time.monotonic()
                if not self._repeat(number, echo):
                    break
        except (KeyboardInterrupt, SystemExit) as error:  # loom ends by SystemExit on SIGTERM
            seconds = time.monotonic() - clock
            signal = "SIGINT" if isinstance(error, KeyboardInterrupt) else "SIGTERM"
            self.done.append(
                Repetition(started=begun, ended=utc_now(), seconds=seconds, status="interrupted", signal=signal)
            )
            self.finish()
            raise

    def _repeat(self, number: int, echo: Callable[[str], None] | None) -> bool:
        place = self.place(number)
        place.mkdir(parents=True, exist_ok=True)
        with measuring(self.workspace.locations.measuring, self.folder.name) as concurrent:
            for other in concurrent.others:
                self.workspace.talk.warn(f"another run is measuring at the same time: {other}")
            watch = Watch()
            self.argv, repetition, self.refused = run_program(
                self.made, self.prepared, self.context, place, self.options.secrets, self.options.timeout, echo
            )
            conditions = watch.end(concurrent.others)
        self.done.append(msgspec.structs.replace(repetition, conditions=conditions))
        return repetition.status == "ok"

    def place(self, number: int) -> Path:
        """Return the working directory of a repetition, counted from 1: the run's own folder if it is the only one."""
        return self.folder if self.options.repetitions == 1 else self.folder / f"repetition-{number}"

    def finish(self) -> tuple[Record, Path]:
        """Write the record and protect the store entries it needs; if the run has filled the disk, it uses reserved space."""
        with self.workspace.talk.progress("writing the record", None, ""):
            record = self._record()
            self._reserved.unlink(missing_ok=True)
            path = save(record, self.workspace.locations.records)
        protect_record(self.workspace.store, self.made, record.id)
        return record, path

    def _record(self) -> Record:
        results = [item.results for item in self.done if item.results is not None]
        return Record(
            schema=RECORD_SCHEMA,
            id=self.folder.name,
            target=self.made.target,
            command=tuple(self.argv),
            arguments=self.options.arguments,
            status=self.done[-1].status,
            started=self.started,
            ended=utc_now(),
            directory=str(self.folder),
            plan=self.made,
            plan_digest=of_bytes(to_json(self.made)),
            lock_digest=of_bytes(to_json(make_lock(self.made))),
            host=host_facts(dict(results[-1].versions) if results else {}),
            repetitions=tuple(self.done),
            results=results[-1] if results else None,
            statistics=over_results(results) if len(self.done) > 1 and results else {},
            inputs=_inputs(self.prepared),
            outputs=_outputs(self.folder),
            tags=self.options.tags,
        )


def _inputs(prepared: Prepared) -> dict[str, str]:
    """Return the digest of each node's result: of the file, of a data set's labels, or the store key of a folder.

    A file is always digested, even if its component states a digest.
    """
    found = {node_id: _digest_of(facts) for node_id, facts in sorted(prepared.facts.items())}
    return {node_id: digest for node_id, digest in found.items() if digest}


def _digest_of(facts: Facts) -> str:
    path = Path(facts.path) if facts.path else None
    if facts.dataset is not None and path is not None:
        path = label_file(facts.dataset, path)
    if path is not None and path.is_file() and facts.role != "python":
        return of_file(path)
    return facts.digest or facts.key


class RunSummary(Document, frozen=True, kw_only=True):
    """What ``loom run --json`` prints.

    Attributes:
        record: the record's file.
        directory: the run directory.
        target: reference of the program.
        status: how the run ended.
        results: results of the last repetition; null if there are none.
        statistics: over several repetitions, by name of the figure.
    """

    record: str
    directory: str
    target: str
    status: str
    results: Results | None
    statistics: dict[str, Statistics]


SCHEMAS: SchemaTable = {
    "installation": (Installation, "loom install --json"),
    "run": (RunSummary, "loom run --json"),
}


def summary(record: Record, path: Path) -> RunSummary:
    """Return the summary of ``record``, which is stored at ``path``."""
    return RunSummary(
        record=str(path),
        directory=record.directory,
        target=record.target,
        status=record.status,
        results=record.results,
        statistics=record.statistics,
    )


def _outputs(folder: Path) -> dict[str, str]:
    # Not outputs: this engine, the facts files, the preparations, and the space reserved for the record.
    skipped = {"runtime", "facts", "logs", "check", "reserved"}
    return {
        path.relative_to(folder).as_posix(): of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in skipped
    }


def _raise_failure(record: Record, path: Path, stderr: Path, refused: InputError | None) -> None:
    if record.status == "ok":
        return
    last = record.repetitions[-1]
    tail = last_lines(stderr, 8)
    details: dict[str, object] = {
        "record": str(path),
        "exit_code": last.exit_code,
        "signal": last.signal,
        "status": last.status,
    }
    if refused:
        refused.details = details
        raise refused
    if last.status == "timeout":
        raise RunTimeoutError(
            f"{record.target} exceeded its time limit and was killed (TIMEOUT after {last.seconds:.1f} s)",
            where=record.directory,
            why=tail,
            fix="increase --timeout, or omit it",
            details=details,
        )
    if last.problem:
        raise ExecutionError(
            f"{record.target} left invalid results",
            where=record.directory,
            why=[last.problem],
            details=details,
        )
    by = "with" if last.exit_code is not None else "by"
    raise ExecutionError(
        f"{record.target} ended {by} {how_it_ended(last.exit_code, last.signal)}",
        where=record.directory,
        why=tail,
        fix=f"read {stderr}; the record is {path}",
        details=details,
    )


def new_folder(workspace: Workspace, name: str) -> Path:
    """Create and return the folder of a new run called ``name``. It starts with the time, so that runs sort by age."""
    now = datetime.now(timezone.utc)
    stamp = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z"
    folder = workspace.locations.runs / f"{stamp}-{name}-{uuid.uuid4().hex[:6]}"
    folder.mkdir(parents=True)
    return folder


def _runtime(folder: Path) -> Path:
    """A folder that contains only this engine's package, for the module path of child processes."""
    runtime = folder / "runtime"
    runtime.mkdir(exist_ok=True)
    link_engine(runtime)
    return runtime


def link_engine(folder: Path) -> None:
    """Link only this engine's package into ``folder``, without other installed packages; copy it if links are not supported."""
    source = Path(benchloom.__file__).resolve().parent
    link = folder / "benchloom"
    if not link.exists():
        try:
            os.symlink(source, link, target_is_directory=True)
        except OSError:
            shutil.copytree(source, link)
