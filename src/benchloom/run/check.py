"""Check whether a program can run before long work (a download, the preparation of a data set) is done for it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchloom.errors import ExecutionError, carried
from benchloom.model.component import Check
from benchloom.model.plan import Node, Plan
from benchloom.model.provision import Built, Fetched, Run
from benchloom.run.context import ExecutionContext, Prepared, Step
from benchloom.run.facts import facts_of, role_variables
from benchloom.run.process import how_it_ended, last_lines, run_process
from benchloom.run.program import child_environment, command_words, program_of


def check_before_long_work(
    plan: Plan, context: ExecutionContext, secrets: Mapping[str, str], folder: Path
) -> Step | None:
    """Return the step that runs the check of the plan's program; None if it has no check, or no work depends on it.

    Its files go to ``folder``. The step raises InputError with the content of the file named by ``LOOM_ERROR``, or
    ExecutionError if the check failed without one.
    """
    node, program = program_of(plan)
    check = program.check
    if check is None:
        return None
    held = _held_back(plan, node, check)
    return Step(held, lambda prepared: _ask(plan, check, prepared, context, secrets, folder)) if held else None


def _held_back(plan: Plan, program: Node, check: Check) -> frozenset[str]:
    """Return the unfinished nodes that only the roles named by ``check`` need, and those that depend on them."""
    nodes = {node.id: node for node in plan.nodes if not isinstance(node.provision, Run)}
    needed: set[str] = set()
    waiting = [need for role, need in program.needs.items() if role not in check.before]
    while waiting:
        if (name := waiting.pop()) in nodes and name not in needed:
            needed.add(name)
            waiting += nodes[name].needs.values()
    held: set[str] = set()
    while further := {
        name
        for name, node in nodes.items()
        if name not in needed | held and (_is_work(node) or held.intersection(node.needs.values()))
    }:
        held |= further
    return frozenset(held)


def _is_work(node: Node) -> bool:
    """Tell whether the node's result still needs a download or a process."""
    return isinstance(node.provision, Fetched | Built) and not node.is_here


def _ask(
    plan: Plan,
    check: Check,
    prepared: Prepared,
    context: ExecutionContext,
    secrets: Mapping[str, str],
    folder: Path,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    by_role = {role: node for node in plan.nodes for role in node.roles if not isinstance(node.provision, Run)}
    pathless = {
        node.id: msgspec.structs.replace(facts_of(node, context, plan.inputs), path="")
        for node in by_role.values()
        if node.id not in prepared.facts
    }
    known = Prepared(python=prepared.python, facts={**pathless, **prepared.facts})
    error, log = folder / "error.json", folder / "stderr.txt"
    env = child_environment(
        plan,
        prepared,
        context,
        secrets,
        {
            **role_variables({role: node.id for role, node in by_role.items()}, known, folder / "facts"),
            carried.VARIABLE: str(error),
        },
    )
    node, _ = program_of(plan)
    argv = command_words(plan, check.run_cmd_main, "check", prepared.python, context.folder(node))
    context.talk.note("checking that the model runs before preparing the data")
    result = run_process(argv, cwd=folder, env=env, timeout=None, stdout=folder / "stdout.txt", stderr=log)
    if result.status == "ok":
        return
    if refused := carried.take(error):
        raise refused
    raise ExecutionError(
        f"the check of {plan.target} failed with {how_it_ended(result.exit_code, result.signal)}",
        where=node.file,
        why=last_lines(log, 8),
        fix=f"read {log}",
        details={"exit_code": result.exit_code, "signal": result.signal, "log": str(log)},
    )
