"""Run the program of a plan: unique run directory, exact environment, repetitions, results read back."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from benchloom.errors import ExecutionError
from benchloom.model.component import Component
from benchloom.model.plan import Node, Plan
from benchloom.model.record import Repetition, Results
from benchloom.run.executor import Means, Ready, role_variables, runtime_variables
from benchloom.run.process import ProcessResult, clean_environment, run_process
from benchloom.run.words import split_command


def program_command(plan: Plan, component: Component, python: Path, source: Path) -> list[str]:
    """Return the argv of the plan's command with the inputs appended as ``--name=value`` flags."""
    assert component.program is not None
    command = next(item for item in component.program.commands if item.name == plan.command)
    variables = {**program_environment(plan, component), "LOOM_PYTHON": str(python), "LOOM_COMPONENT": str(source)}
    argv = split_command(command.text, variables, f"{component.file}: run_cmds.{command.name}")
    return [*argv, *(f"--{name}={value}" for name, value in plan.inputs.items())]


def program_environment(plan: Plan, component: Component) -> dict[str, str]:
    """Variables of the program: its own, its command's, then the user's ``--env.X``."""
    assert component.program is not None
    command = next(item for item in component.program.commands if item.name == plan.command)
    return {**component.program.env, **command.env, **plan.env}


def run_program(
    plan: Plan,
    ready: Ready,
    means: Means,
    folder: Path,
    secrets: Mapping[str, str],
    timeout: float | None,
    echo: Callable[[str], None] | None,
) -> tuple[list[str], Repetition]:
    """Run the program once in ``folder`` and return its argv and how it went.

    ``secrets`` are inputs which are passed on as flags but appear in no file and not in the returned argv.
    """
    node = _program_node(plan)
    component = means.index.get(node.candidate.component)
    assert component.program is not None
    source = means.index.folder(component)
    argv = program_command(plan, component, ready.python, source)
    env = clean_environment(
        means.environ,
        {
            **program_environment(plan, component),
            **role_variables(node.needs, ready, folder / "facts"),
            **runtime_variables(means),
            "LOOM_PYTHON": str(ready.python),
            "LOOM_COMPONENT": str(source),
            **({"LOOM_PROGRESS": "1"} if echo and os.isatty(2) else {}),
        },
    )
    hidden = [f"--{name}={value}" for name, value in secrets.items()]
    limit = timeout if timeout is not None else component.program.timeout
    result = run_process(
        [*argv, *hidden],
        cwd=folder,
        env=env,
        timeout=limit,
        stdout=folder / "stdout.txt",
        stderr=folder / "stderr.txt",
        echo=echo,
    )
    return argv, _repetition(result, _read_results(folder / component.program.results, result))


def _program_node(plan: Plan) -> Node:
    return next(node for node in plan.nodes if node.action == "run")


def _read_results(path: Path, result: ProcessResult) -> Results | None:
    if result.status != "ok" or not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except msgspec.MsgspecError as error:
        raise ExecutionError(
            "the program left results that do not fit the schema",
            where=str(path),
            why=[str(error)],
            fix="see schemas/results.schema.json",
        ) from error


def _repetition(result: ProcessResult, results: Results | None) -> Repetition:
    return Repetition(
        started=result.started,
        ended=result.ended,
        seconds=result.seconds,
        status=result.status,
        exit_code=result.exit_code,
        signal=result.signal,
        results=results,
    )
