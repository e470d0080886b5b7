"""Provide results built by a process: a module of the runtime or a script of the component, in one store entry."""

from collections.abc import Mapping
from pathlib import Path

from benchloom.base.atomic import failures_named
from benchloom.base.progress_file import VARIABLE
from benchloom.errors import InstallError, carried
from benchloom.model.inputs import INPUT_PREFIX
from benchloom.model.plan import Node
from benchloom.model.provision import Built
from benchloom.run.context import ExecutionContext, Prepared
from benchloom.run.facts import plain_name, refuse_no_result, role_variables, runtime_variables
from benchloom.run.fetched import MADE_FROM, drop_replaced, fetch_all
from benchloom.run.process import clean_environment, how_it_ended, last_lines, run_process
from benchloom.run.progress import watched

_SPACE_BYTES = 1 << 16


def provide(node: Node, provision: Built, context: ExecutionContext, prepared: Prepared) -> None:
    """Build the entry of ``node`` unless it exists.

    Raises InstallError, what the child reports, and what fetching raises.
    """
    drop_replaced(node, provision, context)
    if context.store.find(node.key) is None:
        context.talk.note(f"building {node.id}")
        context.store.build(node.key, node.id, lambda folder: _made(node, provision, context, prepared, folder))


def _made(
    node: Node, provision: Built, context: ExecutionContext, prepared: Prepared, folder: Path
) -> Mapping[str, str]:
    meta = fetch_all(node, provision, context, folder)
    name = plain_name(node.id)
    progress, error, log = (context.logs / f"{name}.{ending}" for ending in ("progress", "error", "log"))
    env = _environment(node, context, prepared, {VARIABLE: str(progress), carried.VARIABLE: str(error)})
    argv = _command(provision, context.folder(node), prepared.python)
    with watched(progress, context.talk, f"building {node.id}"):
        result = run_process(argv, cwd=folder, env=env, timeout=None, stdout=log, stderr=log.with_suffix(".err"))
    if result.status != "ok":
        if refused := carried.take(error):
            raise refused
        _refuse_full_disk(folder)
        raise InstallError(
            f"building {node.id} failed with {how_it_ended(result.exit_code, result.signal)}",
            where=node.file,
            why=last_lines(log.with_suffix(".err"), 12),
            fix=f"read the log: {log.with_suffix('.err')}",
            details={"exit_code": result.exit_code, "signal": result.signal, "log": str(log.with_suffix(".err"))},
        )
    refuse_no_result(node, provision.result, folder)
    keys = sorted({prepared.facts[need].key for need in node.needs.values() if need in prepared.facts} - {""})
    return {**meta, **({MADE_FROM: ",".join(keys)} if keys else {})}


def _environment(
    node: Node, context: ExecutionContext, prepared: Prepared, more: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the child's environment: of the program's inputs only those that are part of the node's key."""
    return clean_environment(
        {name: value for name, value in context.environ.items() if not name.startswith(INPUT_PREFIX)},
        {
            **node.env,
            **role_variables(node.needs, prepared, context.logs / f"{plain_name(node.id)}.facts"),
            **runtime_variables(context),
            "LOOM_PYTHON": str(prepared.python),
            "LOOM_COMPONENT": str(context.folder(node)),
            **more,
        },
    )


def _command(provision: Built, source: Path, python: Path) -> list[str]:
    if provision.module:
        return [str(python), "-m", provision.module, *provision.arguments]
    interpreter = str(python) if provision.script.endswith(".py") else "bash"
    return [interpreter, str(source / provision.script), *provision.arguments]


def _refuse_full_disk(folder: Path) -> None:
    """Raise OSError if a child may have failed because the disk is full: its log may not mention that."""
    probe = folder / ".space"
    try:
        with failures_named(probe):
            probe.write_bytes(bytes(_SPACE_BYTES))
    finally:
        probe.unlink(missing_ok=True)
