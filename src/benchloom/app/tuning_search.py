"""The probes of a search: made one after the other, kept after each, and gone on from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchloom.app.planning import Ask, plan
from benchloom.app.running import RunOptions, run
from benchloom.app.tuning_files import write_files
from benchloom.app.tuning_space import best_of, first_target, next_target, ranked
from benchloom.app.workspace import Workspace
from benchloom.base import bounded, limits
from benchloom.base.atomic import write_bytes
from benchloom.errors import ExecutionError, InputError
from benchloom.model.base import Value, to_json
from benchloom.model.component import Component
from benchloom.model.plan import Plan
from benchloom.model.record import Host, Performance, Record
from benchloom.model.tuning import TUNING_SCHEMA, Probe, Settings, Tuning
from benchloom.rules.scenarios import AXES, SCENARIOS, Scenario

TAG = "tune"
_SHORT = 1 / 4  # the length of a first probe
_FEW = 4  # so many settings are measured at full length at once
_FINALISTS = 3  # settings for which Server looks for its highest target
_FAILURES = 3  # so many failures before anything was measured end the search


class TuneOptions(Value, frozen=True, kw_only=True):
    """How a search is made.

    Attributes:
        budget: seconds of probes after which no further one is begun.
        over: values to try, as ``input=1,2,4``; inputs that are not named are searched over values of our own.
        precision: the gap that may be left above the highest valid target of Server, as a part of it.
        is_fresh: whether what earlier searches measured is forgotten.
        out: where user.conf and the lock go; empty for beside the search itself.
        timeout: seconds after which one probe is killed.
        secrets: inputs that reach the program but no file.
        words: the user's words for the target, for the commands that are printed.
        arguments: all of the user's words, for the records.
        jobs: nodes to prepare at once.
    """

    budget: float
    over: tuple[str, ...] = ()
    precision: float = 0.05
    is_fresh: bool = False
    out: str = ""
    timeout: float | None = None
    secrets: dict[str, str] = {}
    words: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    jobs: int = 4


@dataclass(frozen=True)
class Task:
    """What is searched: the plan with the inputs held fixed, and the settings to try; ``duration`` is that of the longest probes."""

    plan: Plan
    component: Component
    scenario: Scenario
    grid: tuple[Settings, ...]
    duration: float | None
    host: Host
    key: str

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the inputs that the program declares."""
        return declared_inputs(self.component)

    @property
    def fixed(self) -> dict[str, str]:
        """The inputs held fixed."""
        return {name: value for name, value in self.plan.inputs.items() if name not in {*AXES, "duration"}}


def declared_inputs(component: Component) -> frozenset[str]:
    """Return the names of the inputs that a program declares."""
    return frozenset(item.name for item in component.program.inputs) if component.program else frozenset()


class _BudgetSpentError(Exception):
    """No further probe may begin."""


class Search:
    """The probes of one search, and the means to make more."""

    def __init__(self, workspace: Workspace, ask: Ask, options: TuneOptions, task: Task, folder: Path) -> None:
        self.workspace, self.ask, self.options, self.task, self.folder = workspace, ask, options, task, folder
        self.probes, self.bound = ([], None) if options.is_fresh else self._kept()
        self.spent = 0.0
        self.failures: list[Probe] = []

    def _kept(self) -> tuple[list[Probe], int | None]:
        """What earlier commands measured; what failed then may be mended now."""
        try:
            old = msgspec.json.decode(
                bounded.read_bytes(self.folder / "tuning.json", limits.DOCUMENT_BYTES), type=Tuning
            )
        except FileNotFoundError:
            return [], None
        except (OSError, msgspec.MsgspecError) as error:
            self.workspace.talk.warn(f"{self.folder / 'tuning.json'} cannot be read and is made anew: {error}")
            return [], None
        return [probe for probe in old.probes if probe.status == "ok"], old.latency_bound_ns

    def run(self) -> bool:
        """Probe until the search is complete; False where the budget ended it before."""
        kept = f"; probes that are there already: {len(self.probes)}" if self.probes else ""
        self.workspace.talk.note(f"settings to try for {self.task.scenario.name}: {len(self.task.grid)}{kept}")
        try:
            self._serve() if self.task.scenario.search.sieve else self._halve()
        except _BudgetSpentError:
            return False
        return True

    def _halve(self) -> None:
        """Measure all settings, first for a short time where they are many, and then the best quarter for longer."""
        left = self.task.grid
        if len(left) > _FEW and self.task.duration is not None:
            short = self.task.duration * _SHORT
            search, name = self.task.scenario.search, self.task.scenario.name
            order = ranked([self._probe(name, item, short) for item in left], search.metric.better)
            left = tuple(probe.settings for probe in order[: max(_FEW, len(left) // 4)])
        for settings in left:
            self._probe(self.task.scenario.name, settings, self.task.duration)
        self._refuse_failures(1)

    def _serve(self) -> None:
        """Sift the settings by short runs in the scenario's sieve, then raise the target of the best ones."""
        short = None if self.task.duration is None else self.task.duration * _SHORT
        sieve = SCENARIOS[self.task.scenario.search.sieve]
        probes = [self._probe(sieve.name, item, short) for item in self.task.grid]
        for sifted in _finalists(ranked(probes, sieve.search.metric.better)):
            best, _ = best_of(self.probes, self.task.scenario.name)
            others = best if best and _alike(best.settings) != _alike(sifted.settings) else None
            self._raise_target(sifted, others.figure or 0.0 if others else 0.0)
        self._refuse_failures(1)

    def _raise_target(self, sifted: Probe, floor: float) -> None:
        precision = self.options.precision
        start, often = first_target(sifted.figure or 1.0, floor, precision), self.task.scenario.search.confirmations
        while (target := next_target(self._tried(sifted.settings), start, precision, floor, often)) is not None:
            settings = msgspec.structs.replace(sifted.settings, target_qps=target)
            self._measure(self.task.scenario.name, settings, self.task.duration)

    def _tried(self, settings: Settings) -> list[tuple[float, bool]]:
        return [
            (probe.settings.target_qps or 0.0, probe.valid)
            for probe in self.probes
            if probe.scenario == self.task.scenario.name and probe.duration == self.task.duration
            if _alike(probe.settings) == _alike(settings)
        ]

    def _probe(self, scenario: str, settings: Settings, duration: float | None) -> Probe:
        """Return the probe with these settings, from an earlier search where there is one."""
        for probe in self.probes:
            if (probe.scenario, probe.settings, probe.duration) == (scenario, settings, duration):
                return probe
        return self._measure(scenario, settings, duration)

    def _measure(self, scenario: str, settings: Settings, duration: float | None) -> Probe:
        if self.spent >= self.options.budget:
            raise _BudgetSpentError
        probe = self._run(scenario, settings, duration)
        self.probes.append(probe)
        self.spent += probe.seconds
        self._save(self._document(complete=False))
        if probe.status == "failed":
            self.failures.append(probe)
            self._refuse_failures(_FAILURES)
        return probe

    def _refuse_failures(self, at_least: int) -> None:
        """Raise ExecutionError where nothing but failures was seen, and enough of them."""
        if len(self.failures) < at_least or any(probe.status == "ok" for probe in self.probes):
            return
        last = self.failures[-1]
        raise ExecutionError(
            f"every probe of {self.task.plan.target} failed ({len(self.failures)} of them)",
            where=last.record,
            why=last.reasons,
            fix="run it by itself first: loom run, with the same words",
        )

    def _run(self, scenario: str, settings: Settings, duration: float | None) -> Probe:
        inputs = {**settings.inputs(), "scenario": scenario}
        if "mode" in self.task.inputs:
            inputs["mode"] = "performance"
        if duration is not None:
            inputs["duration"] = f"{duration:.10g}"
        blank = Probe(scenario=scenario, settings=settings, duration=duration, status="ok", valid=False)
        clock = time.monotonic()
        options = RunOptions(
            timeout=self.options.timeout,
            secrets=self.options.secrets,
            arguments=self.options.arguments,
            tags=(TAG,),
            jobs=self.options.jobs,
        )
        try:
            record, path = run(self.workspace, self._plan(inputs), options)
        except ExecutionError as error:
            seconds = time.monotonic() - clock
            record_path = str(error.details.get("record", ""))
            probe = msgspec.structs.replace(
                blank, status="failed", seconds=seconds, record=record_path, reasons=(error.what, *error.why)
            )
        else:
            probe = self._read(blank, record, path)
        self._tell(probe)
        return probe

    def _plan(self, inputs: dict[str, str]) -> Plan:
        """The plan with these inputs over the user's. A lock holds all the rest."""
        ask = msgspec.structs.replace(self.ask, inputs={**self.ask.inputs, **inputs})
        if ask.lock:
            held = msgspec.structs.replace(ask.lock, inputs=dict(sorted({**ask.lock.inputs, **inputs}.items())))
            ask = msgspec.structs.replace(ask, lock=held)
        return plan(self.workspace, ask)

    def _read(self, blank: Probe, record: Record, path: Path) -> Probe:
        seconds = record.repetitions[-1].seconds  # the program alone: what had to be prepared is no part of a budget
        performance = record.results.performance if record.results else None
        if record.results is None or performance is None:
            reasons = (f"{record.target} left no performance in its results",)
            return msgspec.structs.replace(blank, status="failed", seconds=seconds, record=str(path), reasons=reasons)
        scenario = SCENARIOS[blank.scenario]
        if scenario.bound:
            self._keep_bound(scenario, record.results.settings, blank.settings.target_qps or 0.0)
        return msgspec.structs.replace(
            blank,
            valid=performance.valid,
            figure=blank.settings.target_qps if scenario.search.sieve else _figure(performance, scenario),
            samples_per_second=performance.samples_per_second,
            latency_p99_ns=performance.latency_ns.get("p99"),
            seconds=seconds,
            record=str(path),
            reasons=performance.invalid_reasons,
        )

    def _keep_bound(
        self, scenario: Scenario, settings: dict[str, str | int | float | bool | None], target: float
    ) -> None:
        used, bound = settings.get(scenario.expected), settings.get(scenario.bound)
        if isinstance(used, (int, float)) and abs(used - target) > target / 1000:
            raise InputError(
                f"LoadGen was given a target of {used:g} queries/s, not {target:g}",
                where="--user_conf",
                fix="take target_qps out of that file: it is what is searched",
            )
        self.bound = int(bound) if isinstance(bound, (int, float)) else self.bound

    def _tell(self, probe: Probe) -> None:
        from benchloom.report.tunings import probe_line  # late: a search without probes renders none

        number = len(self.probes) + 1
        self.workspace.talk.note(f"probe {number}: {probe_line(probe)}")

    def _document(self, *, complete: bool) -> Tuning:
        scenario = self.task.scenario
        best, times = best_of(self.probes, scenario.name)
        is_long = bool(best and best.duration == self.task.duration)
        return Tuning(
            schema=TUNING_SCHEMA,
            target=self.task.plan.target,
            command=self.task.plan.command,
            scenario=scenario.name,
            key=self.task.key,
            inputs=self.task.fixed,
            host=self.task.host,
            figure=scenario.search.title,
            unit=scenario.search.metric.unit,
            better=scenario.search.metric.better,
            latency_bound_ns=self.bound,
            probes=tuple(self.probes),
            best=best,
            confirmed=is_long and times >= scenario.search.confirmations,
            complete=complete,
            seconds=sum(probe.seconds for probe in self.probes),
            user_conf="",
            lock="",
            commands=(),
        )

    def _save(self, tuning: Tuning) -> None:
        write_bytes(self.folder / "tuning.json", to_json(tuning))

    def finish(self, *, complete: bool) -> Tuning:
        """Write the files for the best settings and return the search as it stands."""
        tuning = self._document(complete=complete)
        if tuning.best is not None:
            tuning = self._with_files(tuning, tuning.best)
        self._save(tuning)
        return tuning

    def _with_files(self, tuning: Tuning, best: Probe) -> Tuning:
        out = Path(self.options.out).expanduser().resolve() if self.options.out else self.folder
        made = self._plan({**best.settings.inputs(), "scenario": tuning.scenario})
        takes_conf = "user_conf" in self.task.inputs
        return write_files(tuning, best, made, self.options.words, out, takes_conf=takes_conf)


def _alike(settings: Settings) -> Settings:
    """The settings less the target."""
    return msgspec.structs.replace(settings, target_qps=None)


def _finalists(order: Sequence[Probe]) -> list[Probe]:
    """The best of each way to share the cores, and of these the best few."""
    found: dict[tuple[int | None, int | None], Probe] = {}
    for probe in order:
        found.setdefault((probe.settings.threads, probe.settings.instances), probe)
    return list(found.values())[:_FINALISTS]


def _figure(performance: Performance, scenario: Scenario) -> float | None:
    """The official figure of the scenario, else the same from the latencies and the throughput."""
    if performance.value is not None:
        return performance.value
    if not scenario.search.percentile:
        return performance.samples_per_second
    latency = performance.latency_ns.get(scenario.search.percentile)
    return None if latency is None else float(latency)
