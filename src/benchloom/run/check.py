"""Ask a program whether it could run, before long work (a download, the preparation of a data set) is done for it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchloom.errors import ExecutionError, carried
from benchloom.model.component import Check, Component
from benchloom.model.plan import Node, Plan
from benchloom.run.executor import Means, Ready, Step, facts_of, role_variables
from benchloom.run.process import how_it_ended, last_lines, run_process
from benchloom.run.program import child_environment, command_words, program_node

_WORK = frozenset({"fetch", "extract", "build"})


def check_before_long_work(plan: Plan, means: Means, secrets: Mapping[str, str], folder: Path) -> Step | None:
    """Return the step that asks the plan's program, or None where it has no check, or nothing that waits for it is to be done.

    Its files go to ``folder``. The step raises InputError with what the program has left in the file named by ``LOOM_ERROR``, or
    ExecutionError where it ended badly without saying why.
    """
    node = program_node(plan)
    component = means.index.get(node.candidate.component)
    check = component.program.check if component.program else None
    if check is None:
        return None
    held = _held_back(plan, node, check)
    return Step(held, lambda ready: _ask(plan, component, check, ready, means, secrets, folder)) if held else None


def _held_back(plan: Plan, program: Node, check: Check) -> frozenset[str]:
    """Return the nodes with work to do that only the roles named by ``check`` need, and those that need such a node."""
    nodes = {node.id: node for node in plan.nodes if node.action != "run"}
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
        if name not in needed | held and (node.action in _WORK or held.intersection(node.needs.values()))
    }:
        held |= further
    return frozenset(held)


def _ask(
    plan: Plan,
    component: Component,
    check: Check,
    ready: Ready,
    means: Means,
    secrets: Mapping[str, str],
    folder: Path,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    by_role = {role: node for node in plan.nodes for role in node.roles if node.action != "run"}
    pathless = {
        node.id: msgspec.structs.replace(facts_of(node, means, plan.inputs), path="")
        for node in by_role.values()
        if node.id not in ready.facts
    }
    told = Ready(python=ready.python, facts={**pathless, **ready.facts})
    error, log = folder / "error.json", folder / "stderr.txt"
    env = child_environment(
        plan,
        component,
        ready,
        means,
        secrets,
        {
            **role_variables({role: node.id for role, node in by_role.items()}, told, folder / "facts"),
            carried.VARIABLE: str(error),
        },
    )
    source = means.index.folder(component)
    argv = command_words(plan, component, check.run_cmd_main, "check", ready.python, source)
    means.talk.note("checking that the model can be run, before the data are prepared")
    result = run_process(argv, cwd=folder, env=env, timeout=None, stdout=folder / "stdout.txt", stderr=log)
    if result.status == "ok":
        return
    if refused := carried.take(error):
        raise refused
    raise ExecutionError(
        f"the check of {plan.target} failed with {how_it_ended(result.exit_code, result.signal)}",
        where=component.file,
        why=last_lines(log, 8),
        fix=f"read {log}",
        details={"exit_code": result.exit_code, "signal": result.signal, "log": str(log)},
    )
