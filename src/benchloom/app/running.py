"""Run and install: execute a plan, repeat the program, and leave a Record whatever happened."""

import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path

import benchloom
from benchloom.app.planning import Ask, plan
from benchloom.app.workspace import Workspace
from benchloom.base.digest import of_bytes, of_file
from benchloom.errors import ExecutionError, InputError, RunTimeoutError
from benchloom.model.base import Document, Value, to_json
from benchloom.model.plan import Action, Plan
from benchloom.model.record import RECORD_SCHEMA, Record, Repetition, Results, Statistics
from benchloom.record.host import host_facts
from benchloom.record.records import save
from benchloom.record.statistics import over_results
from benchloom.resolve.lock import make_lock
from benchloom.run.executor import Means, Ready, prepare
from benchloom.run.program import run_program


class InstalledNode(Value, frozen=True, kw_only=True):
    """One node of an installation: what was done and where its result lies ('' for importable libraries)."""

    id: str
    roles: tuple[str, ...]
    action: Action
    key: str
    path: str


class Installation(Document, frozen=True, kw_only=True):
    """What ``loom install`` brought into being, in the order of the plan; ``python`` is the interpreter that serves it."""

    target: str
    python: str
    nodes: tuple[InstalledNode, ...]


def install(workspace: Workspace, ask: Ask, jobs: int) -> Installation:
    """Bring the target and everything it needs into being. Raises what planning and preparing raise."""
    made = plan(workspace, ask)
    folder = new_folder(workspace, "install")
    ready = prepare(made, means_for(workspace, folder), jobs)
    nodes = [
        InstalledNode(id=node.id, roles=node.roles, action=node.action, key=node.key, path=ready.facts[node.id].path)
        for node in made.nodes
        if node.id in ready.facts
    ]
    return Installation(target=made.target, python=str(ready.python), nodes=tuple(nodes))


def means_for(workspace: Workspace, folder: Path) -> Means:
    """Return the means of one execution whose logs go to ``folder/logs``."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return Means(
        index=workspace.index,
        store=workspace.store,
        fetcher=workspace.fetcher,
        talk=workspace.talk,
        environ=workspace.environ,
        offline=workspace.offline,
        logs=logs,
        runtime=_runtime(folder),
        find_links=workspace.mirror if workspace.mirror and Path(workspace.mirror).is_dir() else "",
    )


def run(
    workspace: Workspace,
    made: Plan,
    *,
    repetitions: int = 1,
    timeout: float | None = None,
    secrets: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
    jobs: int = 4,
    echo: Callable[[str], None] | None = None,
) -> tuple[Record, Path]:
    """Execute ``made`` and return the record and its path; the record is written before an error is raised.

    Raises ExecutionError (the program failed; its status is in the details) or RunTimeoutError, both naming the record.
    """
    if not any(node.action == "run" for node in made.nodes):
        raise InputError(f"{made.target} is not a program", fix=f"to obtain it: loom install {made.target}")
    folder = new_folder(workspace, made.target.partition(":")[2])
    started = _now()
    means = means_for(workspace, folder)
    ready = prepare(made, means, jobs)
    done: list[Repetition] = []
    argv: list[str] = []
    try:
        for number in range(1, repetitions + 1):
            place = folder if repetitions == 1 else folder / f"repetition-{number}"
            place.mkdir(parents=True, exist_ok=True)
            begun = _now()
            argv, repetition = run_program(made, ready, means, place, secrets or {}, timeout, echo)
            done.append(repetition)
            if repetition.status != "ok":
                break
    except KeyboardInterrupt:
        done.append(Repetition(started=begun, ended=_now(), seconds=0.0, status="interrupted", signal="SIGINT"))
        save(_record(made, folder, started, argv, arguments, done, tags, ready), workspace.locations.records)
        raise
    record = _record(made, folder, started, argv, arguments, done, tags, ready)
    path = save(record, workspace.locations.records)
    _register(workspace, record)
    _raise_failure(record, path)
    return record, path


class RunSummary(Document, frozen=True, kw_only=True):
    """What ``loom run --json`` prints: where the record is, and the results of the last repetition."""

    record: str
    directory: str
    target: str
    status: str
    results: Results | None
    statistics: dict[str, Statistics]


def summary(record: Record, path: Path) -> RunSummary:
    """Return the summary of ``record``, which lies at ``path``."""
    return RunSummary(
        record=str(path),
        directory=record.directory,
        target=record.target,
        status=record.status,
        results=record.results,
        statistics=record.statistics,
    )


def _record(
    made: Plan,
    folder: Path,
    started: str,
    argv: list[str],
    arguments: tuple[str, ...],
    done: list[Repetition],
    tags: tuple[str, ...],
    ready: Ready,
) -> Record:
    results = [item.results for item in done if item.results is not None]
    libraries = dict(results[-1].versions) if results else {}
    return Record(
        schema=RECORD_SCHEMA,
        id=folder.name,
        target=made.target,
        command=tuple(argv),
        arguments=arguments,
        status=done[-1].status if done else "failed",
        started=started,
        ended=_now(),
        directory=str(folder),
        plan=made,
        plan_digest=of_bytes(to_json(made)),
        lock_digest=of_bytes(to_json(make_lock(made))),
        host=host_facts(libraries),
        repetitions=tuple(done),
        results=results[-1] if results else None,
        statistics=over_results(results) if len(done) > 1 else {},
        inputs={
            node_id: facts.digest or facts.key
            for node_id, facts in sorted(ready.facts.items())
            if facts.digest or facts.key
        },
        outputs=_outputs(folder),
        tags=tags,
    )


def _outputs(folder: Path) -> dict[str, str]:
    skipped = {"runtime", "facts", "logs"}  # not outputs: this engine, what it told the program, and the preparations
    return {
        path.relative_to(folder).as_posix(): of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in skipped
    }


def _raise_failure(record: Record, path: Path) -> None:
    if record.status == "ok":
        return
    last = record.repetitions[-1]
    stderr = Path(record.directory) / "stderr.txt"
    tail = stderr.read_text(errors="replace").replace("\r", "\n").splitlines()[-8:] if stderr.exists() else []
    details: dict[str, object] = {
        "record": str(path),
        "exit_code": last.exit_code,
        "signal": last.signal,
        "status": last.status,
    }
    if last.status == "timeout":
        raise RunTimeoutError(
            f"{record.target} ran past its time limit and was killed (TIMEOUT after {last.seconds:.1f} s)",
            where=record.directory,
            why=tail,
            fix="raise --timeout, or leave it out",
            details=details,
        )
    if last.problem:
        raise ExecutionError(
            f"{record.target} left results that cannot be used",
            where=record.directory,
            why=[last.problem],
            details=details,
        )
    how = f"with exit code {last.exit_code}" if last.exit_code is not None else f"by signal {last.signal}"
    raise ExecutionError(
        f"{record.target} ended {how}",
        where=record.directory,
        why=tail,
        fix=f"read {stderr}; the record is {path}",
        details=details,
    )


def _register(workspace: Workspace, record: Record) -> None:
    keys = sorted({node.key for node in record.plan.nodes if node.key})
    workspace.store.add_root(f"record-{record.id}", keys)


def new_folder(workspace: Workspace, name: str) -> Path:
    """Make and return the folder of a new run called ``name``."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    folder = workspace.locations.runs / f"{stamp}-{name}-{uuid.uuid4().hex[:6]}"
    folder.mkdir(parents=True)
    return folder


def _runtime(folder: Path) -> Path:
    """A folder with nothing but this engine's package in it, to put on a child's module path."""
    runtime = folder / "runtime"
    runtime.mkdir(exist_ok=True)
    source = Path(benchloom.__file__).resolve().parent
    link = runtime / "benchloom"
    if not link.exists():
        try:
            os.symlink(source, link, target_is_directory=True)
        except OSError:
            shutil.copytree(source, link)
    return runtime


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
