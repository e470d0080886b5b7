"""Every way to serve queries, under real LoadGen: each sample is answered once, with its own answer."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mlperf_loadgen as lg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchloom.harness import settings as loadgen
from benchloom.harness.issue import issuer_for
from benchloom.harness.logs import read_performance, read_records
from benchloom.harness.options import parse
from benchloom.harness.run import run_loadgen
from benchloom.rules.scenarios import DEFAULT_SCENARIO, SCENARIOS
from support.one_hot import SAMPLES, OneHot, predictor
from support.rulesets import QUICK

WAYS = [
    (scenario, instances)
    for scenario in SCENARIOS
    for instances in (1, 2)
    if (scenario, instances) != (DEFAULT_SCENARIO.name, 2)
]


def settings(scenario: str, instances: int, mode: Any, *words: str) -> Any:
    options = parse([f"--scenario={scenario}", f"--instances={instances}", *words], {})
    made = loadgen.test_settings(options, QUICK, "m", None).test
    made.mode = mode
    return made


@pytest.mark.parametrize(("scenario", "instances"), WAYS)
def test_each_sample_gets_its_own_answer(tmp_path: Path, scenario: str, instances: int):
    predictors = [predictor()[0] for _ in range(instances)]
    wanted = settings(scenario, instances, lg.TestMode.AccuracyOnly, "--target_qps=5000")
    run_loadgen(wanted, predictors, total=20, performance_count=20, folder=tmp_path, environ={})
    answers = {index: record.tolist() for index, record in read_records(tmp_path).items()}
    assert answers == {index: [index % 10] for index in range(len(SAMPLES))}


@pytest.mark.parametrize(("scenario", "instances"), WAYS)
def test_every_sample_that_loadgen_asked_for_is_counted(tmp_path: Path, scenario: str, instances: int):
    predictors = [predictor()[0] for _ in range(instances)]
    wanted = settings(scenario, instances, lg.TestMode.PerformanceOnly, "--target_qps=5000", "--duration=0.2")
    start = time.monotonic()
    issuer = run_loadgen(wanted, predictors, total=20, performance_count=20, folder=tmp_path, environ={})
    assert (0.1 if scenario == "Server" else 0) < issuer.seconds < time.monotonic() - start
    found = read_performance(
        tmp_path, scenario, QUICK.scenarios[scenario].figure, samples=issuer.done, seconds=issuer.seconds
    )
    a_query = {"MultiStream": 8, "Offline": issuer.done}.get(scenario, 1)
    assert issuer.done == found.query_count * a_query
    assert issuer.done >= QUICK.scenarios[scenario].min_queries
    assert issuer.cpu_seconds > 0


def test_queries_that_are_issued_together_are_counted_one_by_one(tmp_path: Path):
    made, _ = predictor()
    wanted = settings("Server", 1, lg.TestMode.PerformanceOnly, "--target_qps=200000", "--duration=0.2")
    assert wanted.server_coalesce_queries
    issuer = run_loadgen(wanted, [made], total=20, performance_count=20, folder=tmp_path, environ={})
    found = read_performance(tmp_path, "Server", "result_scheduled_samples_per_sec", samples=issuer.done, seconds=1)
    assert found.query_count == issuer.done >= 30_000


def test_user_conf_may_take_the_joining_of_queries_back(tmp_path: Path):
    conf = tmp_path / "user.conf"
    conf.write_text("*.Server.coalesce_queries = 0\n")
    assert not settings("Server", 1, lg.TestMode.PerformanceOnly, f"--user_conf={conf}").server_coalesce_queries


class Sample(NamedTuple):
    """What LoadGen gives of a sample."""

    id: int
    index: int


def batches(indexes: list[int], instances: int) -> list[tuple[list[int], list[int]]]:
    """Return the batches of a query of samples with these ``indexes``, whose ids count from 100; instances take up to 8 samples."""
    issuer = issuer_for("Offline", [predictor()[0] for _ in range(instances)])
    return list(issuer._batches([Sample(100 + place, index) for place, index in enumerate(indexes)]))


@pytest.mark.parametrize(
    ("samples", "instances", "sizes"),
    [
        (20, 1, [7, 7, 6]),
        (20, 2, [5, 5, 5, 5]),  # three would leave the second instance idle while the first has its last
        (16, 2, [8, 8]),
        (17, 2, [5, 5, 5, 2]),
        (8, 1, [8]),
        (9, 1, [5, 4]),
        (8, 4, [2, 2, 2, 2]),
        (1, 2, [1]),
    ],
)
def test_batches_are_equal_and_as_many_for_each_instance(samples: int, instances: int, sizes: list[int]):
    assert [len(ids) for ids, _ in batches(list(range(samples)), instances)] == sizes


@given(st.lists(st.integers(0, 19), min_size=1, max_size=100), st.integers(1, 4))
def test_batches_hold_every_sample_once_with_its_id_and_in_the_order_of_the_data_set(
    indexes: list[int], instances: int
):
    found = batches(indexes, instances)
    pairs = [pair for ids, places in found for pair in zip(ids, places, strict=True)]
    assert sorted(pairs) == [(100 + place, index) for place, index in enumerate(indexes)]
    assert all(len(ids) <= 8 for ids, _ in found)
    if len(found) > 1:
        assert [index for _, index in pairs] == sorted(indexes)
    in_turn = -(-len(indexes) // (8 * instances))  # batches of an instance, if none is asked more often than need be
    assert len(found) <= in_turn * instances
    assert len(found[0][0]) == -(-len(indexes) // (in_turn * instances))


@pytest.mark.parametrize("scenario", ["MultiStream", "Server", "Offline"])
def test_every_instance_serves(tmp_path: Path, scenario: str, monkeypatch: pytest.MonkeyPatch):
    """The first batch of each instance waits for that of the other: one instance alone would come by itself."""
    barrier, threads = threading.Barrier(2), []

    def meet(backend: OneHot, predict: Callable[[Any], Any], batch: Any) -> Any:
        if not backend.batches:
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(timeout=2)
                threads.append(threading.get_ident())
        return predict(batch)

    made = [predictor() for _ in range(2)]
    for _, backend in made:
        monkeypatch.setattr(backend, "run", functools.partial(meet, backend, backend.run))
    wanted = settings(scenario, 2, lg.TestMode.AccuracyOnly, "--target_qps=5000")
    predictors = [item for item, _ in made]
    run_loadgen(wanted, predictors, total=20, performance_count=20, folder=tmp_path, environ={})
    assert len(set(threads)) == 2


@pytest.mark.parametrize("instances", [1, 2])
def test_server_takes_what_is_in_line_up_to_a_batch(instances: int):
    issuer = issuer_for("Server", [predictor()[0] for _ in range(instances)])
    issuer._issue([Sample(100 + number, number) for number in range(11)])  # nobody is busy, so this does not wait
    assert issuer._next() == (list(range(100, 108)), list(range(8)))
    assert issuer._next() == ([108, 109, 110], [8, 9, 10])
    issuer._issue([Sample(111, 11)])
    issuer._end()
    assert issuer._next() == ([111], [11])
    assert [issuer._next() for _ in range(instances)] == [None] * instances


def test_server_rests_while_every_instance_is_busy(monkeypatch: pytest.MonkeyPatch):
    rests: list[float] = []
    monkeypatch.setattr("benchloom.harness.issue.time.sleep", rests.append)
    issuer = issuer_for("Server", [predictor()[0] for _ in range(2)])
    issuer._pace = 0.0001  # seconds of a sample
    issuer._is_busy = [True, False]
    issuer._issue([Sample(0, 0)])
    assert rests == []
    issuer._is_busy = [True, True]
    issuer._issue([Sample(1, 1), Sample(2, 2), Sample(3, 3)])
    assert rests == pytest.approx([4 * 0.0001 / 2])  # four wait for two
    issuer._issue([Sample(number, 0) for number in range(100)])
    assert rests[1] == 0.001


def test_failure_of_loadgen_is_raised_whoever_runs_it():
    def test() -> None:
        raise RuntimeError("no test")

    for instances in (1, 2):
        with pytest.raises(RuntimeError, match="no test"):
            issuer_for("Server", [predictor()[0] for _ in range(instances)]).serve_during(test)
