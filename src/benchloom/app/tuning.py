"""Tune: search the settings of a program that are best on this machine, by short runs that are kept and gone on from."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import filelock
import msgspec

import benchloom
from benchloom.app.planning import Ask, plan
from benchloom.app.tuning_search import Search, Task, TuneOptions, declared_inputs
from benchloom.app.tuning_space import GOALS, GRID, grid, parse_over
from benchloom.app.workspace import Workspace
from benchloom.base.digest import iter_files, of_bytes, of_files
from benchloom.errors import InputError
from benchloom.model.base import to_json
from benchloom.model.component import Component
from benchloom.model.plan import Plan
from benchloom.model.record import Host
from benchloom.model.tuning import Tuning
from benchloom.record.host import host_facts
from benchloom.resolve.lock import make_lock
from benchloom.run.program import program_of

DEFAULT_SECONDS = 2.0  # of the longest probes
# Inputs that a search sets itself, so that they say nothing of what is searched.
_OWN = frozenset([*GRID, "mode"])
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float:
    """Return the seconds that a time such as ``90s``, ``5m`` or ``1.5h`` stands for. Raises InputError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    seconds = float(match.group(1)) * _UNITS[match.group(2)] if match else 0.0
    if not seconds:
        raise InputError(f"{text!r} is not a time", where="--budget", fix="for instance --budget=90s, 5m or 1h")
    return seconds


def tune(workspace: Workspace, ask: Ask, options: TuneOptions) -> Tuning:
    """Search until the end, or until the budget is spent, and write what ``loom run`` takes where anything was valid.

    Raises what planning and preparing raise, InputError for a program that lacks the inputs to search over, and
    ExecutionError where every probe failed. What was measured is kept after each probe, whatever happens.
    """
    task = _task(workspace, ask, options)
    folder = workspace.locations.tunings / f"{task.component.alias}-{task.scenario}-{task.key}"
    with _only_one(folder):
        search = Search(workspace, ask, options, task, folder)
        try:
            complete = search.run()
        except (KeyboardInterrupt, SystemExit):
            workspace.talk.note("what was measured is kept; the same command goes on from there")
            raise
        return search.finish(complete=complete)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / "lock", timeout=0):
            yield
    except filelock.Timeout:
        raise InputError(
            "this search is under way already", where=str(folder), fix="wait for it: two would disturb each other"
        ) from None


def _task(workspace: Workspace, ask: Ask, options: TuneOptions) -> Task:
    made = plan(workspace, ask)
    component = workspace.index.get(made.target)
    program_of(made)
    declared = declared_inputs(component)
    scenario = _scenario(component, made)
    goal = GOALS[scenario]
    _refuse_what_cannot_be_tuned(component, scenario, made)
    chosen = _chosen(options, made, declared)
    axes = [name for name in GRID if name in declared and (name in goal.axes or name in chosen)]
    host = host_facts({})
    return Task(
        plan=made,
        component=component,
        scenario=scenario,
        goal=goal,
        grid=grid(axes, chosen, host.cores, _max_batch(made)),
        duration=float(made.inputs.get("duration", DEFAULT_SECONDS)) if "duration" in declared else None,
        host=host,
        key=_key(made, scenario, host),
    )


def _scenario(component: Component, made: Plan) -> str:
    declared = (
        next((item for item in component.program.inputs if item.name == "scenario"), None)
        if component.program
        else None
    )
    if declared is None:
        raise _lacks(component, ["scenario"])
    scenario = made.inputs.get("scenario", declared.default)
    if scenario not in GOALS:
        raise InputError(
            f"the scenario {scenario!r} cannot be tuned", where="--scenario", fix=f"choose one of {', '.join(GOALS)}"
        )
    return scenario


def _lacks(component: Component, names: Sequence[str]) -> InputError:
    return InputError(
        f"{component.ref} cannot be tuned: it has no input {' or '.join(f'--{name}' for name in names)}",
        where=f"{component.file}: inputs",
        fix="declare it there, and let the program keep to it; loom show says which inputs it has",
    )


def _refuse_what_cannot_be_tuned(component: Component, scenario: str, made: Plan) -> None:
    declared = declared_inputs(component)
    if scenario == "Server":
        if "target_qps" not in declared:
            raise _lacks(component, ["target_qps"])
        if "target_qps" in made.inputs:
            raise InputError("the target of Server is what is searched", where="--target_qps", fix="leave it out")
    elif not declared & set(GOALS[scenario].axes):
        raise _lacks(component, GOALS[scenario].axes)


def _chosen(options: TuneOptions, made: Plan, declared: frozenset[str]) -> dict[str, tuple[int, ...]]:
    """Values to try by input: those of ``--over``, and the one value of an input that was given itself."""
    over = parse_over(options.over, declared)
    given = {name: (int(made.inputs[name]),) for name in GRID if name in made.inputs}
    for name in over.keys() & given.keys():
        raise InputError(f"--{name} is both given and searched over", where=f"--over {name}", fix="leave one out")
    return {**over, **given}


def _max_batch(made: Plan) -> int | None:
    node = made.in_role("model")
    return node.facts.model.max_batch if node and node.facts.model else None


def _key(made: Plan, scenario: str, host: Host) -> str:
    """Digest of all that the figures of a search depend on, whatever it tries."""
    lock = make_lock(made)
    inputs = {name: value for name, value in lock.inputs.items() if name not in _OWN}
    harness = Path(benchloom.__file__).resolve().parent / "harness"
    machine = [host.arch, host.cpu_model, host.cores, host.memory_bytes, made.platform.python]
    facts = [
        to_json(msgspec.structs.replace(lock, inputs=inputs)),
        to_json([scenario, benchloom.__version__, of_files(harness, iter_files(harness)), machine]),
    ]
    return of_bytes(b"".join(facts)).partition(":")[2][:12]
