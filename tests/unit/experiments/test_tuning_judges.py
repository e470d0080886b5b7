"""The judges of a tuning, over a machine whose speed is known: best with batches of 16 and most instances."""

import msgspec
import pytest

from benchloom.errors import InputError
from benchloom.experiments.tuning_judges import Grid, HighestTarget, SuccessiveHalving, accepted, judge_of, probe_of
from benchloom.experiments.tuning_task import Task
from benchloom.model.component import Component, Input, Program
from benchloom.model.experiment import RunSpec, Trial
from benchloom.model.plan import PLAN_SCHEMA, Plan, Platform
from benchloom.model.record import RESULTS_SCHEMA, Host, Performance, Results
from benchloom.model.tuning import Tuning, TuningPoint
from benchloom.rules.scenarios import SCENARIOS

HOST = Host(os="", kernel="", arch="", cpu_model="", cores=2, memory_bytes=None, python="")
BATCHES = (1, 2, 4, 8, 16, 32)
GRID = tuple(TuningPoint(batch_size=batch, threads=1, instances=number) for batch in BATCHES for number in (1, 2))


def task(scenario: str, grid: tuple[TuningPoint, ...] = GRID, duration: float | None = 2.0) -> Task:
    inputs = tuple(Input(name=name, summary=name) for name in ("scenario", "mode", "batch_size", "duration"))
    program = Program(commands=(), inputs=inputs)
    platform = Platform(os="linux", arch="x86_64", python="3.12")
    return Task(
        plan=Plan(schema=PLAN_SCHEMA, target="program:p", command="", inputs={}, env={}, platform=platform, nodes=()),
        component=Component(
            kind="program", alias="p", uid="", repo="r", path="program/p", file="meta.json", program=program
        ),
        scenario=SCENARIOS[scenario],
        grid=grid,
        duration=duration,
        host=HOST,
        key="k",
    )


def measure(spec: RunSpec) -> Trial:
    settings = msgspec.convert({k: v for k, v in spec.inputs.items() if k[0] in "bti"}, TuningPoint, strict=False)
    assert settings.batch_size is not None
    speed = 1000.0 * (settings.instances or 1) * (1 - abs(settings.batch_size - 16) / 100)
    target = float(spec.inputs.get("target_qps", 0))
    performance = Performance(
        scenario=spec.inputs["scenario"],
        valid=target <= 0.8 * speed,
        samples_per_second=speed,
        latency_ns={"p90": int(1e9 / speed), "p99": int(1e9 / speed)},
    )
    names = dict.fromkeys(("task", "model", "dataset", "backend", "scenario", "mode", "ruleset"), "x")
    results = Results(
        schema=RESULTS_SCHEMA,
        **names,
        submission_valid=False,
        accuracy=None,
        performance=performance,
        settings={"server_target_qps": target, "server_target_latency_ns": 10_000_000},
        versions={},
        notes=(),
    )
    return Trial(spec=spec, status="ok", seconds=1.0, record="r.json", results=results)


def search(judge: Grid | HighestTarget) -> list[Trial]:
    trials: list[Trial] = []
    while specs := judge.ask(trials):
        trials += [measure(spec) for spec in specs]
        assert len(trials) < 200
    return trials


def test_few_settings_or_no_length_are_a_grid_many_are_halved():
    assert type(judge_of(task("Offline", GRID[:4]), 0.05)) is Grid
    assert type(judge_of(task("Offline", duration=None), 0.05)) is Grid
    assert type(judge_of(task("Offline"), 0.05)) is SuccessiveHalving
    assert type(judge_of(task("Server"), 0.05)) is HighestTarget


def test_halving_measures_the_best_quarter_but_at_least_four_for_longer():
    trials = search(SuccessiveHalving(task("Offline")))
    lengths = [trial.spec.inputs["duration"] for trial in trials]
    assert lengths == ["0.5"] * 12 + ["2"] * 4
    assert {probe_of(trial).settings.instances for trial in trials[12:]} == {2}
    assert {trial.spec.mode for trial in trials} == {"performance"}


def test_invalid_and_failed_settings_are_not_measured_for_longer():
    judge = SuccessiveHalving(task("Offline"))
    trials = [msgspec.structs.replace(trial, status="failed", results=None) for trial in map(measure, judge.ask([]))]
    assert judge.ask(trials) == []
    assert judge.verdict(trials).best is None


@pytest.mark.parametrize("scenario", ["Offline", "Server"])
def test_resumed_anywhere_it_asks_for_what_it_would_have_asked_for(scenario: str):
    judge = judge_of(task(scenario), 0.05)
    trials = search(judge)
    for number, trial in enumerate(trials):
        assert judge.ask(trials[:number])[0] == trial.spec
        assert not judge.verdict(trials[:number]).complete
    assert judge.verdict(trials).complete


def test_highest_target_is_within_precision_and_confirmed():
    judge = HighestTarget(task("Server"), 0.02)
    trials = search(judge)
    found: Tuning = judge.verdict(trials)
    assert found.best is not None
    assert found.best.figure is not None
    assert 1600 / 1.02 <= found.best.figure <= 1600
    assert (found.confirmed, found.latency_bound_ns) == (True, 10_000_000)
    confirming = [trial.spec for trial in trials if trial.spec.repetition == 2]
    assert next(spec.inputs["target_qps"] for spec in confirming) == f"{found.best.figure:g}"
    assert found.best.settings.batch_size == 16


def test_last_finalist_is_only_tried_above_what_the_others_reached():
    trials = search(HighestTarget(task("Server"), 0.05))
    targets = [
        float(trial.spec.inputs["target_qps"])
        for trial in trials
        if trial.spec.inputs["scenario"] == "Server" and trial.spec.inputs["instances"] == "1"
    ]
    assert len(targets) == 1
    assert targets[0] > 1500


def test_verdict_has_every_run_as_a_probe_in_the_order_of_time():
    judge = Grid(task("SingleStream", GRID[:2]))
    trials = search(judge)
    found = judge.verdict(trials)
    assert [probe.settings for probe in found.probes] == list(GRID[:2])
    assert found.seconds == 2.0
    assert found.best == found.probes[1]


def test_run_without_performance_has_failed():
    trial = measure(judge_of(task("Offline"), 0.05).ask([])[0])
    assert accepted(trial) == trial
    assert trial.results is not None
    silent = msgspec.structs.replace(trial.results, performance=None)
    refused = accepted(msgspec.structs.replace(trial, results=silent))
    assert refused.status == "failed"
    assert "no performance" in refused.reasons[0]


def test_target_that_loadgen_did_not_take_is_refused():
    judge = HighestTarget(task("Server"), 0.05)
    trials = [measure(spec) for spec in judge.ask([])]
    trial = measure(judge.ask(trials)[0])
    assert accepted(trial) == trial
    assert trial.results is not None
    other = msgspec.structs.replace(trial.results, settings={"server_target_qps": 1})
    with pytest.raises(InputError, match="LoadGen used a target of 1 queries/s"):
        accepted(msgspec.structs.replace(trial, results=other))
