"""Run the program of a plan in its run directory with an exact environment, and read its results."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.paths import locate
from benchloom.base.progress_file import VARIABLE
from benchloom.errors import InputError, carried
from benchloom.model.inputs import INPUT_PREFIX
from benchloom.model.migrations import decode_results
from benchloom.model.plan import Node, Plan
from benchloom.model.provision import Run
from benchloom.model.record import Repetition, Results
from benchloom.run.context import ExecutionContext, Prepared
from benchloom.run.facts import role_variables, runtime_variables
from benchloom.run.process import ProcessResult, clean_environment, run_process
from benchloom.run.progress import watched
from benchloom.run.words import split_command


def program_command(plan: Plan, python: Path, source: Path) -> list[str]:
    """Return the argv of the plan's command with the inputs appended as ``--name=value`` flags."""
    return command_words(plan, program_of(plan)[1].command, f"run_cmds.{plan.command}", python, source)


def command_words(plan: Plan, text: str, key: str, python: Path, source: Path) -> list[str]:
    """Return the argv of the command ``text``, under ``key`` of the program, with the plan's inputs."""
    node, run = program_of(plan)
    variables = {**program_environment(plan), "LOOM_PYTHON": str(python), "LOOM_COMPONENT": str(source)}
    argv = split_command(text, variables, f"{node.file}: {key}")
    return [*argv, *(f"--{name}={value}" for name, value in plan.inputs.items() if name not in run.selecting)]


def program_environment(plan: Plan) -> dict[str, str]:
    """Variables of the program: its own and its command's, then the user's ``--env.X``."""
    return {**program_of(plan)[1].env, **plan.env}


def child_environment(
    plan: Plan,
    prepared: Prepared,
    context: ExecutionContext,
    secrets: Mapping[str, str],
    more: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment of a process of the plan's program: its variables, paths, secret inputs, and ``more``."""
    return clean_environment(
        context.environ,
        {
            **program_environment(plan),
            **runtime_variables(context),
            **place_variables(plan, prepared, context),
            **{f"{INPUT_PREFIX}{name.upper()}": value for name, value in secrets.items()},
            **more,
        },
    )


def place_variables(plan: Plan, prepared: Prepared, context: ExecutionContext) -> dict[str, str]:
    """Return variables with the paths of the plan's interpreter and the program's files."""
    return {"LOOM_PYTHON": str(prepared.python), "LOOM_COMPONENT": str(context.folder(program_of(plan)[0]))}


def run_program(
    plan: Plan,
    prepared: Prepared,
    context: ExecutionContext,
    folder: Path,
    secrets: Mapping[str, str],
    timeout: float | None,
    echo: Callable[[str], None] | None,
) -> tuple[list[str], Repetition, InputError | None]:
    """Run the program once in ``folder`` and return its argv, the repetition, and the InputError that it reported.

    ``secrets`` are inputs which reach the program as ``LOOM_INPUT_<NAME>``; they appear in no file and no argv.
    """
    node, program = program_of(plan)
    argv = program_command(plan, prepared.python, context.folder(node))
    progress, error = folder / "progress.json", folder / "error.json"
    env = child_environment(
        plan,
        prepared,
        context,
        secrets,
        {
            **role_variables(node.needs, prepared, folder / "facts"),
            **(_home_variables(context) if program.shares_home else {}),
            VARIABLE: str(progress),
            carried.VARIABLE: str(error),
        },
    )
    limit = timeout if timeout is not None else program.timeout
    label = "" if echo else f"starting {plan.target}"  # a bar would interrupt echoed lines
    with watched(progress, context.talk, label):
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
    return argv, _repetition(result, folder / program.results), refused


def _home_variables(context: ExecutionContext) -> dict[str, str]:
    """Variables that make a script use the home and settings of the command that runs it."""
    options = context.fetcher.options
    return {
        "LOOM_HOME": str(locate(dict(context.environ)).home),
        "LOOM_MIRROR": options.mirror,
        "LOOM_OFFLINE": "yes" if options.offline else "no",
    }


def program_of(plan: Plan) -> tuple[Node, Run]:
    """Return the plan's program node, and its provision. Raises InputError if the target is no program."""
    node = plan.program
    if node is None or not isinstance(node.provision, Run):
        raise InputError(f"{plan.target} is not a program", fix=f"to install it: loom install {plan.target}")
    return node, node.provision


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
    """Return the results, or a problem with them. Programs that measure nothing need not write any."""
    try:
        return decode_results(bounded.read_bytes(path, limits.DOCUMENT_BYTES), path.name), ""
    except FileNotFoundError:
        return None, ""
    except InputError as error:
        return None, "; ".join([f"{path.name}: {error.what}", *error.why])
    except (OSError, msgspec.MsgspecError) as error:
        return None, f"{path.name} does not match schemas/results.schema.json: {error}"
