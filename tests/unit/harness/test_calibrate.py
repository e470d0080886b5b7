"""What is measured before a run, and what follows from it."""

import time

import pytest

from benchloom.harness import calibrate
from benchloom.harness.calibrate import batch_within, measured_speed, samples_at_once
from benchloom.harness.options import parse
from support.one_hot import predictor


@pytest.mark.parametrize(
    ("bound", "seconds", "batch"),
    [(0.010, 0.0002, 25), (0.010, 0.00001, 32), (0.010, 0.004, 1), (0.010, 0.040, 1), (0.010, None, 32)],
)
def test_server_serves_no_more_at_once_than_half_of_the_bound_allows(bound: float, seconds: float | None, batch: int):
    assert batch_within(bound, seconds, 32) == batch


def test_each_scenario_is_measured_with_the_batches_that_it_makes():
    found = {name: samples_at_once(name, 32) for name in ("SingleStream", "MultiStream", "Server", "Offline")}
    assert found == {"SingleStream": 1, "MultiStream": 8, "Server": 1, "Offline": 32}
    assert samples_at_once("MultiStream", 4) == 4


def measured(monkeypatch: pytest.MonkeyPatch, *words: str, count: int = 20) -> tuple[bool, list[int], list[int]]:
    """Return whether a speed is returned, and how many batches each of two instances took, and of which sizes."""
    monkeypatch.setattr(calibrate, "SECONDS", 0.1)
    (one, first), (other, second) = predictor(), predictor()
    speed = measured_speed([one, other], parse(list(words), {}), count)
    assert speed is None or 0 < speed.best <= speed.median < 0.1
    sizes = {len(batch) for batch in (*first.batches, *second.batches)}
    return speed is not None, [len(first.batches), len(second.batches)], sorted(sizes)


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (("--scenario=SingleStream",), 1),
        (("--scenario=SingleStream", "--target_qps=5"), 1),  # of other scenarios
        (("--scenario=MultiStream", "--mode=performance"), 8),
        (("--scenario=Offline", "--target_latency_ms=5"), 8),
        (("--scenario=Server",), 1),
        (("--scenario=Server", "--target_qps=5"), 1),  # the batch follows from it
        (("--scenario=Server", "--batch_size=4"), 1),
        (("--scenario=Server", "--mode=accuracy"), 1),  # its queries have a rate then, too
    ],
)
def test_speed_is_measured_if_nothing_states_it(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], size: int):
    is_measured, batches, sizes = measured(monkeypatch, *words)
    assert is_measured
    assert batches[0] > batches[1] == calibrate.WARM_UP
    assert sizes == [size]


@pytest.mark.parametrize(
    "words",
    [
        ("--scenario=SingleStream", "--target_latency_ms=5"),
        ("--scenario=MultiStream", "--target_latency_ms=5"),
        ("--scenario=Offline", "--target_qps=5"),
        ("--scenario=Server", "--target_qps=5", "--batch_size=4"),
    ],
)
def test_instances_are_warmed_up_even_if_the_speed_is_stated(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]):
    is_measured, batches, _ = measured(monkeypatch, *words)
    assert (is_measured, batches) == (False, [calibrate.WARM_UP] * 2)


@pytest.mark.parametrize(
    "words",
    [("--scenario=Offline",), ("--scenario=SingleStream",), ("--scenario=Server", "--target_qps=5", "--batch_size=4")],
)
def test_accuracy_run_measures_nothing(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]):
    assert measured(monkeypatch, *words, "--mode=accuracy") == (False, [0, 0], [])


def test_fewer_samples_than_a_batch_are_repeated(monkeypatch: pytest.MonkeyPatch):
    assert measured(monkeypatch, "--scenario=Offline", count=3)[2] == [8]


def test_slow_model_is_measured_by_one_batch(monkeypatch: pytest.MonkeyPatch):
    made, backend = predictor()
    monkeypatch.setattr(calibrate, "SECONDS", 0.001)
    run = backend.run
    monkeypatch.setattr(backend, "run", lambda batch: time.sleep(0.008) or run(batch))
    speed = measured_speed([made], parse(["--scenario=Offline"], {}), 20)
    assert len(backend.batches) == 2  # one to warm up
    assert speed is not None
    assert 0.001 <= speed.best == speed.median < 0.1  # eight samples in one batch
