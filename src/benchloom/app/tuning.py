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
from benchloom.app.tuning_space import grid, parse_over
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
from benchloom.rules.scenarios import AXES, SCENARIOS, Scenario

DEFAULT_SECONDS = 2.0  # of the longest probes
# Inputs that a search sets itself, so that they say nothing of what is searched.
_OWN = frozenset([*AXES, "mode"])
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
    folder = workspace.locations.tunings / f"{task.component.alias}-{task.scenario.name}-{task.key}"
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
    if not any(node.action == "run" for node in made.nodes):
        raise InputError(f"{made.target} is not a program", fix=f"to obtain it: loom install {made.target}")
    declared = declared_inputs(component)
    scenario = _scenario(component, made)
    _refuse_what_cannot_be_tuned(component, scenario, made)
    chosen = _chosen(options, made, declared)
    axes = [name for name in AXES if name in declared and (name in scenario.search.axes or name in chosen)]
    host = host_facts({})
    return Task(
        plan=made,
        component=component,
        scenario=scenario,
        grid=grid(axes, chosen, host.cores, _max_batch(workspace, made)),
        duration=float(made.inputs.get("duration", DEFAULT_SECONDS)) if "duration" in declared else None,
        host=host,
        key=_key(made, scenario.name, host),
    )


def _scenario(component: Component, made: Plan) -> Scenario:
    declared = (
        next((item for item in component.program.inputs if item.name == "scenario"), None)
        if component.program
        else None
    )
    if declared is None:
        raise _lacks(component, ["scenario"])
    scenario = made.inputs.get("scenario", declared.default)
    if scenario not in SCENARIOS:
        raise InputError(
            f"the scenario {scenario!r} cannot be tuned",
            where="--scenario",
            fix=f"choose one of {', '.join(SCENARIOS)}",
        )
    return SCENARIOS[scenario]


def _lacks(component: Component, names: Sequence[str]) -> InputError:
    return InputError(
        f"{component.ref} cannot be tuned: it has no input {' or '.join(f'--{name}' for name in names)}",
        where=f"{component.file}: inputs",
        fix="declare it there, and let the program keep to it; loom show says which inputs it has",
    )


def _refuse_what_cannot_be_tuned(component: Component, scenario: Scenario, made: Plan) -> None:
    declared = declared_inputs(component)
    if scenario.search.sieve:
        if scenario.expectation not in declared:
            raise _lacks(component, [scenario.expectation])
        if scenario.expectation in made.inputs:
            where = f"--{scenario.expectation}"
            raise InputError(f"the target of {scenario.name} is what is searched", where=where, fix="leave it out")
    elif not declared & set(scenario.search.axes):
        raise _lacks(component, scenario.search.axes)


def _chosen(options: TuneOptions, made: Plan, declared: frozenset[str]) -> dict[str, tuple[int, ...]]:
    """Values to try by input: those of ``--over``, and the one value of an input that was given itself."""
    over = parse_over(options.over, declared)
    given = {name: (int(made.inputs[name]),) for name in AXES if name in made.inputs}
    for name in over.keys() & given.keys():
        raise InputError(f"--{name} is both given and searched over", where=f"--over {name}", fix="leave one out")
    return {**over, **given}


def _max_batch(workspace: Workspace, made: Plan) -> int | None:
    nodes = [node for node in made.nodes if "model" in node.roles]
    model = workspace.index.get(nodes[0].candidate.component).model if nodes else None
    return model.max_batch if model else None


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
