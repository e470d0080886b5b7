"""What is measured before a run, and what follows from it."""

import pytest

from benchloom.harness.calibrate import batch_within, samples_at_once


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
