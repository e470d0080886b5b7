"""The judges of a tuning: grid, successive halving, and the highest target that is VALID."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from benchloom.errors import InputError
from benchloom.experiments.engine import lacking
from benchloom.experiments.tuning_space import best_of, first_target, next_target, ranked
from benchloom.experiments.tuning_task import Task
from benchloom.model.experiment import RunSpec, Trial
from benchloom.model.record import Performance
from benchloom.model.tuning import TUNING_SCHEMA, Probe, Tuning, TuningPoint
from benchloom.rules.scenarios import SCENARIOS, Scenario

TAG = "tune"
_SHORT = 1 / 4  # fraction of the duration for short probes
_FEW = 4  # number of settings measured at full length at once
_FINALISTS = 3  # number of settings for which Server searches its highest target


def judge_of(task: Task, precision: float) -> "TuningJudge":
    """Return the judge that searches ``task``; ``precision`` is the gap that Server may leave above its highest valid target."""
    if task.scenario.search.sieve:
        return HighestTarget(task, precision)
    return SuccessiveHalving(task) if len(task.grid) > _FEW and task.duration is not None else Grid(task)


class TuningJudge(ABC):
    """Common parts of the searches: specs from settings, probes from trials, and the verdict."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.short = None if task.duration is None else task.duration * _SHORT

    @abstractmethod
    def ask(self, trials: Sequence[Trial]) -> Sequence[RunSpec]:
        """Return the next runs; none if the search is complete."""

    def spec(self, scenario: Scenario, settings: TuningPoint, duration: float | None, repetition: int = 1) -> RunSpec:
        """Return the run that measures ``settings``."""
        inputs = {**settings.inputs(), "scenario": scenario.name}
        if duration is not None:
            inputs["duration"] = f"{duration:.10g}"
        mode = "performance" if "mode" in self.task.inputs else ""
        return RunSpec(target=self.task.plan.target, inputs=inputs, mode=mode, repetition=repetition, tags=(TAG,))

    def measured(self, specs: Iterable[RunSpec], trials: Sequence[Trial]) -> list[Probe]:
        """Return the probes of ``specs``, in their order."""
        wanted = list(specs)
        found = [trial for spec in wanted for trial in trials if trial.spec == spec]
        return [probe_of(trial) for trial in found]

    def verdict(self, trials: Sequence[Trial]) -> Tuning:
        """Return the state of the search, without the files that a caller writes for its best settings."""
        task, probes = self.task, [probe_of(trial) for trial in trials]
        search = task.scenario.search
        best, times = best_of(probes, task.scenario.name)
        return Tuning(
            schema=TUNING_SCHEMA,
            target=task.plan.target,
            command=task.plan.command,
            scenario=task.scenario.name,
            key=task.key,
            inputs=task.fixed,
            host=task.host,
            figure=search.title,
            unit=search.metric.unit,
            better=search.metric.better,
            latency_bound_ns=next(_bounds(trials), None),
            probes=tuple(probes),
            best=best,
            confirmed=bool(best and best.duration == task.duration and times >= search.confirmations),
            complete=not self.ask(trials),
            seconds=sum(probe.seconds for probe in probes),
            user_conf="",
            lock="",
            commands=(),
        )


class Grid(TuningJudge):
    """Measure all settings."""

    def ask(self, trials: Sequence[Trial]) -> Sequence[RunSpec]:
        """Return the settings that have not been measured yet."""
        return self.at_full_length(self.task.grid, trials)

    def at_full_length(self, settings: Iterable[TuningPoint], trials: Sequence[Trial]) -> Sequence[RunSpec]:
        """Return the full-length specs of ``settings`` without a trial."""
        return lacking((self.spec(self.task.scenario, item, self.task.duration) for item in settings), trials)


class SuccessiveHalving(Grid):
    """Measure all settings briefly, and then the best quarter for longer."""

    def ask(self, trials: Sequence[Trial]) -> Sequence[RunSpec]:
        """Return the missing short runs, and then the missing longer ones."""
        wanted = [self.spec(self.task.scenario, item, self.short) for item in self.task.grid]
        if left := lacking(wanted, trials):
            return left
        order = ranked(self.measured(wanted, trials), self.task.scenario.search.metric.better)
        best = order[: max(_FEW, len(wanted) // 4)]
        return self.at_full_length((probe.settings for probe in best), trials)


class HighestTarget(TuningJudge):
    """Screen the settings by short runs in the scenario's sieve, then raise the target of the best ones while runs are VALID."""

    def __init__(self, task: Task, precision: float) -> None:
        super().__init__(task)
        self.precision = precision

    def ask(self, trials: Sequence[Trial]) -> Sequence[RunSpec]:
        """Return the missing screening runs, and then the next target of the first finalist that has one."""
        sieve = SCENARIOS[self.task.scenario.search.sieve]
        wanted = [self.spec(sieve, item, self.short) for item in self.task.grid]
        if left := lacking(wanted, trials):
            return left
        served: list[Probe] = []  # by earlier finalists
        for sifted in _finalists(ranked(self.measured(wanted, trials), sieve.search.metric.better)):
            best, _ = best_of(served, self.task.scenario.name)
            tried = self._tried(sifted.settings, trials)
            if spec := self._raised(sifted, tried, best.figure or 0.0 if best else 0.0):
                return [spec]
            served += tried
        return []

    def _tried(self, settings: TuningPoint, trials: Sequence[Trial]) -> list[Probe]:
        """Return the full-length runs with these settings and any target."""
        probes = [probe_of(trial) for trial in trials]
        return [
            probe
            for probe in probes
            if probe.scenario == self.task.scenario.name and probe.duration == self.task.duration
            if _alike(probe.settings) == _alike(settings)
        ]

    def _raised(self, sifted: Probe, tried: Sequence[Probe], floor: float) -> RunSpec | None:
        start = first_target(sifted.figure or 1.0, floor, self.precision)
        answers = [(probe.settings.target_qps or 0.0, probe.valid) for probe in tried]
        target = next_target(answers, start, self.precision, floor, self.task.scenario.search.confirmations)
        if target is None:
            return None
        settings = msgspec.structs.replace(sifted.settings, target_qps=target)
        times = sum(probe.settings == settings for probe in tried)
        return self.spec(self.task.scenario, settings, self.task.duration, repetition=times + 1)


def accepted(trial: Trial) -> Trial:
    """Return the trial of a run for a tuning: one without performance results has failed.

    Raises InputError if LoadGen used a target other than requested.
    """
    results = trial.results
    if trial.status != "ok":
        return trial
    if results is None or results.performance is None:
        reasons = (f"{trial.spec.target} reported no performance in its results",)
        return msgspec.structs.replace(trial, status="failed", reasons=reasons)
    used, target = results.settings.get(_scenario(trial).expected), _settings(trial.spec).target_qps
    if target is not None and isinstance(used, (int, float)) and abs(used - target) > target / 1000:
        raise InputError(
            f"LoadGen used a target of {used:g} queries/s, not {target:g}",
            where="--user_conf",
            fix="remove target_qps from that file: the search sets it",
        )
    return trial


def probe_of(trial: Trial) -> Probe:
    """Return the probe of a trial."""
    inputs, settings = trial.spec.inputs, _settings(trial.spec)
    scenario = _scenario(trial)
    blank = Probe(
        scenario=scenario.name,
        settings=settings,
        duration=float(inputs["duration"]) if "duration" in inputs else None,
        status=trial.status,
        valid=False,
        seconds=trial.seconds,
        record=trial.record,
        reasons=trial.reasons,
    )
    performance = trial.results.performance if trial.results else None
    if trial.status == "failed" or performance is None:
        return blank
    return msgspec.structs.replace(
        blank,
        valid=performance.valid,
        figure=settings.target_qps if scenario.search.sieve else _figure(performance, scenario),
        samples_per_second=performance.samples_per_second,
        latency_p99_ns=performance.latency_ns.get("p99"),
        reasons=performance.invalid_reasons,
    )


def _scenario(trial: Trial) -> Scenario:
    return SCENARIOS[trial.spec.inputs["scenario"]]


def _settings(spec: RunSpec) -> TuningPoint:
    names = TuningPoint.__struct_fields__
    given = {name: value for name, value in spec.inputs.items() if name in names}
    return msgspec.convert(given, TuningPoint, strict=False)


def _bounds(trials: Sequence[Trial]) -> Iterator[int]:
    """Yield the latency bounds of runs, last run first."""
    for trial in reversed(trials):
        bound = trial.results.settings.get(_scenario(trial).bound) if trial.results else None
        if isinstance(bound, (int, float)):
            yield int(bound)


def _alike(settings: TuningPoint) -> TuningPoint:
    """Return the settings without the target."""
    return msgspec.structs.replace(settings, target_qps=None)


def _finalists(order: Sequence[Probe]) -> list[Probe]:
    """Return the best point of each split of the cores, and of these the best few."""
    found: dict[tuple[int | None, int | None], Probe] = {}
    for probe in order:
        found.setdefault((probe.settings.threads, probe.settings.instances), probe)
    return list(found.values())[:_FINALISTS]


def _figure(performance: Performance, scenario: Scenario) -> float | None:
    """Return the official figure of the scenario, else the same from the latencies and the throughput."""
    if performance.value is not None:
        return performance.value
    if not scenario.search.percentile:
        return performance.samples_per_second
    latency = performance.latency_ns.get(scenario.search.percentile)
    return None if latency is None else float(latency)
