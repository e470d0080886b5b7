"""Run the program of a plan: unique run directory, exact environment, repetitions, results read back."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.paths import locate
from benchloom.base.reported import VARIABLE
from benchloom.errors import InputError, carried
from benchloom.model.component import Component
from benchloom.model.migrations import decode_results
from benchloom.model.plan import Node, Plan
from benchloom.model.record import Repetition, Results
from benchloom.run.executor import Means, Ready, role_variables, runtime_variables
from benchloom.run.process import INPUT_PREFIX, ProcessResult, clean_environment, run_process
from benchloom.run.progress import watched
from benchloom.run.words import split_command


def program_command(plan: Plan, component: Component, python: Path, source: Path) -> list[str]:
    """Return the argv of the plan's command with the inputs appended as ``--name=value`` flags."""
    assert component.program is not None
    command = next(item for item in component.program.commands if item.name == plan.command)
    return command_words(plan, component, command.text, f"run_cmds.{command.name}", python, source)


def command_words(plan: Plan, component: Component, text: str, key: str, python: Path, source: Path) -> list[str]:
    """Return the argv of the command ``text``, which stands under ``key`` of ``component``, with the plan's inputs."""
    variables = {**program_environment(plan, component), "LOOM_PYTHON": str(python), "LOOM_COMPONENT": str(source)}
    argv = split_command(text, variables, f"{component.file}: {key}")
    selecting = {item.name for item in component.program.inputs if item.selects} if component.program else set()
    return [*argv, *(f"--{name}={value}" for name, value in plan.inputs.items() if name not in selecting)]


def program_environment(plan: Plan, component: Component) -> dict[str, str]:
    """Variables of the program: its own, its command's, then the user's ``--env.X``."""
    assert component.program is not None
    command = next(item for item in component.program.commands if item.name == plan.command)
    return {**component.program.env, **command.env, **plan.env}


def child_environment(
    plan: Plan, component: Component, ready: Ready, means: Means, secrets: Mapping[str, str], more: Mapping[str, str]
) -> dict[str, str]:
    """Return all that a process of the program ``component`` sees: its own variables, places, secret inputs, and ``more``."""
    return clean_environment(
        means.environ,
        {
            **program_environment(plan, component),
            **runtime_variables(means),
            "LOOM_PYTHON": str(ready.python),
            "LOOM_COMPONENT": str(means.index.folder(component)),
            **{f"{INPUT_PREFIX}{name.upper()}": value for name, value in secrets.items()},
            **more,
        },
    )


def run_program(
    plan: Plan,
    ready: Ready,
    means: Means,
    folder: Path,
    secrets: Mapping[str, str],
    timeout: float | None,
    echo: Callable[[str], None] | None,
) -> tuple[list[str], Repetition, InputError | None]:
    """Run the program once in ``folder`` and return its argv, how it went, and the wrong input that it has told of.

    ``secrets`` are inputs which reach the program as ``LOOM_INPUT_<NAME>``; they appear in no file and no argv.
    """
    node = program_node(plan)
    component = means.index.get(node.candidate.component)
    assert component.program is not None
    source = means.index.folder(component)
    argv = program_command(plan, component, ready.python, source)
    progress, error = folder / "progress.json", folder / "error.json"
    env = child_environment(
        plan,
        component,
        ready,
        means,
        secrets,
        {
            **role_variables(node.needs, ready, folder / "facts"),
            **(_engine_variables(means) if component.kind == "script" else {}),
            VARIABLE: str(progress),
            carried.VARIABLE: str(error),
        },
    )
    limit = timeout if timeout is not None else component.program.timeout
    label = "" if echo else f"starting {plan.target}"  # a bar would break what is echoed into lines of its own
    with watched(progress, means.talk, label):
        result = run_process(
            argv,
            cwd=folder,
            env=env,
            timeout=limit,
            stdout=folder / "stdout.txt",
            stderr=folder / "stderr.txt",
            echo=echo,
        )
    refused = carried.take(error) if result.status == "failed" else None
    return argv, _repetition(result, folder / component.program.results), refused


def _engine_variables(means: Means) -> dict[str, str]:
    """What a script needs to work in the same home with the same settings as the command that runs it."""
    options = means.fetcher.options
    return {
        "LOOM_HOME": str(locate(dict(means.environ)).home),
        "LOOM_MIRROR": options.mirror,
        "LOOM_OFFLINE": "yes" if options.offline else "no",
    }


def program_node(plan: Plan) -> Node:
    """Return the node that is the plan's program."""
    return next(node for node in plan.nodes if node.action == "run")


def _repetition(result: ProcessResult, path: Path) -> Repetition:
    results, problem = _read_results(path) if result.status == "ok" else (None, "")
    return Repetition(
        started=result.started,
        ended=result.ended,
        seconds=result.seconds,
        status="failed" if problem else result.status,
        exit_code=result.exit_code,
        signal=result.signal,
        problem=problem,
        results=results,
    )


def _read_results(path: Path) -> tuple[Results | None, str]:
    """Return the results, or what is wrong with them. Programs that measure nothing may leave none."""
    try:
        return decode_results(bounded.read_bytes(path, limits.DOCUMENT_BYTES), path.name), ""
    except FileNotFoundError:
        return None, ""
    except InputError as error:
        return None, "; ".join([f"{path.name}: {error.what}", *error.why])
    except (OSError, msgspec.MsgspecError) as error:
        return None, f"{path.name} does not fit schemas/results.schema.json: {error}"
