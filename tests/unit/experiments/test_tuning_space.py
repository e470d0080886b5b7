"""What a tuning tries, and what it takes for the best."""

import math
import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchloom.errors import InputError
from benchloom.experiments.tuning_space import best_of, first_target, grid, next_target, parse_over
from benchloom.model.tuning import Probe, TuningPoint
from benchloom.rules.scenarios import AXES


def triples(cores: int, *axes: str, max_batch: int | None = None, **chosen: tuple[int, ...]):
    return [(item.batch_size, item.threads, item.instances) for item in grid(axes, chosen, cores, max_batch)]


def test_grid_of_two_cores_has_every_batch_with_all_cores_or_half_of_them():
    found = triples(2, *AXES)
    assert {pair[1:] for pair in found} == {(1, 1), (1, 2), (2, 1)}
    assert sorted({item[0] for item in found}) == [1, 2, 4, 8, 16, 32, 64]
    assert len(found) == 21


def test_grid_begins_with_the_likeliest():
    assert triples(4, *AXES)[0] == (32, 4, 1)


@pytest.mark.parametrize("cores", [1, 2, 3, 6, 12, 64, 96])
def test_grid_stays_small_and_never_asks_for_more_than_the_cores(cores: int):
    found = triples(cores, *AXES)
    assert len(found) == len(set(found)) <= 120
    assert all(threads * instances <= cores for _, threads, instances in found)
    assert any(threads == cores for _, threads, _ in found)


@pytest.mark.parametrize(
    ("largest", "batches"), [(1, [1]), (24, [1, 2, 4, 8, 16, 24]), (500, [1, 2, 4, 8, 16, 32, 64])]
)
def test_grid_keeps_to_the_batches_that_the_model_takes(largest: int, batches: list[int]):
    assert sorted(item[0] for item in triples(1, "batch_size", max_batch=largest)) == batches


def test_grid_without_instances_tries_fewer_threads_too():
    assert sorted(item[1] for item in triples(6, "threads")) == [1, 2, 4, 6]
    assert triples(6) == [(None, None, None)]


def test_grid_takes_chosen_values_as_they_are():
    assert triples(2, *AXES, batch_size=(3,), threads=(1, 5), instances=(7,)) == [(3, 1, 7), (3, 5, 7)]
    assert sorted(triples(4, *AXES, batch_size=(8,), instances=(2,))) == [(8, 1, 2), (8, 2, 2)]


@pytest.mark.parametrize("word", ["batch_size", "batch_size=", "batch_size=1,x", "batch_size=0", "batch_size=-1"])
def test_over_that_is_no_list_of_numbers_is_refused_with_an_example(word: str):
    with pytest.raises(InputError, match="is not a whole number of at least 1") as caught:
        parse_over([word], AXES)
    assert "--over batch_size=1,2,4" in caught.value.fix


def test_over_names_the_nearest_input():
    with pytest.raises(InputError, match="batchsize") as caught:
        parse_over(["batchsize=1"], AXES)
    assert "batch_size" in caught.value.fix
    with pytest.raises(InputError, match="instances"):
        parse_over(["instances=1"], ["batch_size", "threads"])


def searched(
    valid: Callable[[float], bool], start: float, precision: float = 0.05, floor: float = 0.0
) -> list[tuple[float, bool]]:
    tried: list[tuple[float, bool]] = []
    while (target := next_target(tried, start, precision, floor)) is not None:
        tried.append((target, valid(target)))
        assert len(tried) < 60
    return tried


def highest(tried: list[tuple[float, bool]]) -> float:
    lowest_invalid = min((target for target, valid in tried if not valid), default=math.inf)
    return max((target for target, valid in tried if valid and target < lowest_invalid), default=0.0)


@given(st.floats(10, 1e5), st.floats(0.125, 8), st.sampled_from([0.02, 0.05, 0.2]))
def test_target_comes_as_near_to_the_capacity_as_asked_and_is_tried_twice(
    capacity: float, away: float, precision: float
):
    tried = searched(lambda target: target <= capacity, first_target(capacity * away, 0.0, precision), precision)
    found = highest(tried)
    assert found <= capacity <= found * (1 + precision) * 1.01  # targets have three digits
    assert tried.count((found, True)) == 2
    assert len({target for target, _ in tried}) == len(tried) - 1


@given(st.integers(0, 2**32))
def test_target_that_fails_its_second_run_gives_way_to_a_lower_one(seed: int):
    noise = random.Random(seed)
    tried = searched(lambda target: target <= 1000 * noise.uniform(0.7, 1.1), 500)
    found = highest(tried)
    assert not found or tried.count((found, True)) >= 2
    assert not found or (found, False) not in tried


def test_target_goes_on_from_what_was_tried_without_repeating_it():
    whole = searched(lambda target: target <= 777, 500)
    for count in range(len(whole)):
        assert next_target(whole[:count], 500, 0.05) == whole[count][0]


def test_target_that_is_never_or_always_valid_ends():
    assert highest(searched(lambda _: False, 100)) == 0
    assert highest(searched(lambda _: True, 100)) == 1600


def test_target_below_what_others_reach_is_not_looked_for():
    start = first_target(5000, 1000, 0.05)
    assert start == 1050
    assert searched(lambda _: False, start, floor=1000) == [(1050, False)]
    assert highest(searched(lambda target: target < 3000, start, floor=1000)) == pytest.approx(3000, rel=0.06)


def probe(
    figure: float, *, valid: bool = True, duration: float = 1.0, scenario: str = "Offline", **settings: float
) -> Probe:
    return Probe(
        scenario=scenario,
        settings=msgspec.convert(settings, TuningPoint),
        duration=duration,
        status="ok",
        valid=valid,
        figure=figure,
    )


def test_best_is_of_the_longest_probes_and_only_of_valid_ones():
    probes = [
        probe(900, duration=0.25, batch_size=1),
        probe(500, batch_size=1),
        probe(600, batch_size=2),
        probe(800, batch_size=4, valid=False),
    ]
    assert best_of(probes, "Offline") == (probes[2], 1)
    assert best_of(probes[:1], "Offline") == (probes[0], 1)
    assert best_of(probes[3:], "Offline") == (None, 0)


def test_best_latency_is_the_least():
    probes = [probe(900, scenario="SingleStream", threads=1), probe(400, scenario="SingleStream", threads=2)]
    assert best_of(probes, "SingleStream")[0] == probes[1]


def test_best_target_is_below_every_invalid_one_of_its_settings():
    probes = [
        probe(100, scenario="Server", threads=1, target_qps=100),
        probe(200, scenario="Server", threads=1, target_qps=200, valid=False),
        probe(300, scenario="Server", threads=1, target_qps=300),
        probe(150, scenario="Server", threads=2, target_qps=150),
        probe(150, scenario="Server", threads=2, target_qps=150),
        probe(999, threads=2),
    ]
    assert best_of(probes, "Server") == (probes[3], 2)
    assert best_of(probes[:3], "Server") == (probes[0], 1)
