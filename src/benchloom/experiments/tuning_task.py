"""The task of a tuning: the program, the fixed inputs, and the settings to try."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

import benchloom
from benchloom.base.digest import iter_files, of_bytes, of_files
from benchloom.errors import InputError
from benchloom.experiments.tuning_space import grid, parse_over
from benchloom.index.index import Index
from benchloom.model.base import to_json
from benchloom.model.component import Component
from benchloom.model.plan import Plan
from benchloom.model.record import Host
from benchloom.model.tuning import TuningPoint
from benchloom.model.values import ABOVE_ZERO, FROM_ONE, number, whole
from benchloom.resolve.lock import make_lock
from benchloom.rules.scenarios import AXES, SCENARIOS, Scenario
from benchloom.run.program import program_of

DEFAULT_SECONDS = 2.0  # of the longest probes
# Inputs that a search sets itself, which do not identify it.
_OWN = frozenset([*AXES, "mode"])


@dataclass(frozen=True)
class Task:
    """The plan with the fixed inputs, and the settings to try; ``duration`` is that of the longest probes."""

    plan: Plan
    component: Component
    scenario: Scenario
    grid: tuple[TuningPoint, ...]
    duration: float | None
    host: Host
    key: str

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the inputs that the program declares."""
        return _declared(self.component)

    @property
    def fixed(self) -> dict[str, str]:
        """The fixed inputs."""
        return {name: value for name, value in self.plan.inputs.items() if name not in {*AXES, "duration"}}


def make_task(made: Plan, index: Index, over: Sequence[str], host: Host) -> Task:
    """Return the task for the plan ``made``; ``over`` are words such as ``batch_size=1,8``.

    Raises InputError for a program that lacks the inputs to search over, or whose inputs contradict the search.
    """
    component = index.get(made.target)
    program_of(made)
    declared = _declared(component)
    scenario = _scenario(component, made)
    _refuse_what_cannot_be_tuned(component, scenario, made)
    chosen = _chosen(over, made, declared)
    axes = [name for name in AXES if name in declared and (name in scenario.search.axes or name in chosen)]
    return Task(
        plan=made,
        component=component,
        scenario=scenario,
        grid=grid(axes, chosen, host.cores, _max_batch(made)),
        duration=_duration(made) if "duration" in declared else None,
        host=host,
        key=_key(made, scenario.name, host),
    )


def _duration(made: Plan) -> float:
    """Return the least seconds of a probe, with as many digits as the program is told."""
    given = made.inputs.get("duration", "")
    return float(f"{number(given, '--duration', ABOVE_ZERO) if given else DEFAULT_SECONDS:.10g}")


def _declared(component: Component) -> frozenset[str]:
    return frozenset(item.name for item in component.program.inputs) if component.program else frozenset()


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
        fix="declare it there and implement it in the program; loom show lists its inputs",
    )


def _refuse_what_cannot_be_tuned(component: Component, scenario: Scenario, made: Plan) -> None:
    declared = _declared(component)
    if scenario.search.sieve:
        if scenario.expectation not in declared:
            raise _lacks(component, [scenario.expectation])
        if scenario.expectation in made.inputs:
            where = f"--{scenario.expectation}"
            raise InputError(f"the target of {scenario.name} is set by the search", where=where, fix="leave it out")
    elif not declared & set(scenario.search.axes):
        raise _lacks(component, scenario.search.axes)


def _chosen(over: Sequence[str], made: Plan, declared: frozenset[str]) -> dict[str, tuple[int, ...]]:
    """Values to try by input: those of ``--over``, and the single value of an input that is set."""
    searched = parse_over(over, declared)
    given = {name: (whole(made.inputs[name], f"--{name}", FROM_ONE),) for name in AXES if name in made.inputs}
    for name in searched.keys() & given.keys():
        raise InputError(f"--{name} is both set and searched", where=f"--over {name}", fix="omit one of them")
    return {**searched, **given}


def _max_batch(made: Plan) -> int | None:
    node = made.in_role("model")
    return node.facts.model.max_batch if node and node.facts.model else None


def _key(made: Plan, scenario: str, host: Host) -> str:
    """Digest of everything that the figures of a search depend on, except the settings tried."""
    lock = make_lock(made)
    inputs = {name: value for name, value in lock.inputs.items() if name not in _OWN}
    harness = Path(benchloom.__file__).resolve().parent / "harness"
    machine = [host.arch, host.cpu_model, host.cores, host.memory_bytes, made.platform.python]
    facts = [
        to_json(msgspec.structs.replace(lock, inputs=inputs)),
        to_json([scenario, benchloom.__version__, of_files(harness, iter_files(harness)), machine]),
    ]
    return of_bytes(b"".join(facts)).partition(":")[2][:12]
