"""LoadGen's settings: what the ruleset, a measurement and the user each decide, and which of them wins."""

from pathlib import Path
from typing import Any

import pytest

from benchloom.errors import InputError
from benchloom.harness import settings as loadgen
from benchloom.harness.bounds import generated
from benchloom.harness.calibrate import Speed
from benchloom.harness.options import parse
from benchloom.model.ruleset import Ruleset, Seeds
from benchloom.rules.scenarios import SCENARIOS
from support.rulesets import QUICK, V1_0

SPEED = Speed(best=0.001, median=0.002)  # seconds per sample of one instance


def made(*words: str, ruleset: Ruleset = QUICK, model: str = "m", speed: Speed | None = SPEED) -> Any:
    return loadgen.test_settings(parse(list(words), {}), ruleset, model, speed).test


def test_expected_latency_is_above_the_measured_median():
    """LoadGen makes twice as many queries as fit at the expected latency: a quarter more leaves 1.6 times as many as the median needs."""
    single = made("--scenario=SingleStream", "--duration=10")
    assert single.single_stream_expected_latency_ns == 2_500_000
    assert generated(single).queries == pytest.approx(1.6 * 10 / SPEED.median)
    multi = made("--scenario=MultiStream", "--duration=10")
    assert multi.multi_stream_expected_latency_ns == 8 * 2_500_000
    assert generated(multi).queries == pytest.approx(1.6 * 10 / (8 * SPEED.median))


def test_instances_share_a_query_of_multi_stream_and_add_up_their_rates():
    assert made("--scenario=MultiStream", "--instances=2").multi_stream_expected_latency_ns == 4 * 2_500_000
    assert made("--scenario=Server").server_target_qps == pytest.approx(0.3 * 1000)
    assert made("--scenario=Server", "--instances=2").server_target_qps == pytest.approx(0.3 * 2000)
    assert made("--scenario=Offline").offline_expected_qps == pytest.approx(1.3 * 1000)
    assert made("--scenario=Offline", "--instances=2").offline_expected_qps == pytest.approx(1.3 * 2000)


@pytest.mark.parametrize("speed", [SPEED, None])
def test_what_the_user_expects_wins_over_the_measurement(speed: Speed | None):
    latency = ("--target_latency_ms=7", "--target_qps=70")
    assert made("--scenario=SingleStream", *latency, speed=speed).single_stream_expected_latency_ns == 7_000_000
    assert made("--scenario=MultiStream", *latency, speed=speed).multi_stream_expected_latency_ns == 7_000_000
    assert made("--scenario=Server", *latency, speed=speed).server_target_qps == 70
    assert made("--scenario=Offline", *latency, speed=speed).offline_expected_qps == 70


def test_without_measurement_and_wishes_loadgens_own_expectations_stay():
    fresh = loadgen.lg.TestSettings()
    fresh.FromConfig("", "m", "Server", 0)
    found = made("--scenario=Server", speed=None)
    names = (
        "single_stream_expected_latency_ns",
        "multi_stream_expected_latency_ns",
        "server_target_qps",
        "offline_expected_qps",
    )
    assert [getattr(found, name) for name in names] == [getattr(fresh, name) for name in names]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("ruleset", [QUICK, V1_0], ids=lambda item: item.name)
def test_least_duration_count_and_seeds_are_the_rulesets(scenario: str, ruleset: Ruleset):
    found, rules = made(f"--scenario={scenario}", ruleset=ruleset), ruleset.scenarios[scenario]
    assert (found.min_duration_ms, found.min_query_count) == (rules.min_duration * 1000, rules.min_queries)
    assert found.scenario.name == scenario
    assert found.performance_sample_count_override == 0
    seeds = Seeds(qsl=found.qsl_rng_seed, sample_index=found.sample_index_rng_seed, schedule=found.schedule_rng_seed)
    assert (seeds == ruleset.seeds) is (ruleset.seeds is not None)
    assert all((seeds.qsl, seeds.sample_index, seeds.schedule))


def test_duration_of_the_user_wins_over_the_rulesets():
    assert made("--scenario=Offline", "--duration=2.5").min_duration_ms == 2500


@pytest.mark.parametrize(
    ("model", "ruleset", "words", "milliseconds"),
    [
        ("resnet50", V1_0, (), 15),
        ("mobilenet", V1_0, (), 10),
        ("ssd-resnet34", V1_0, (), 100),
        ("resnet50", QUICK, (), 10),
        ("resnet50", V1_0, ("--max_latency_ms=12.5",), 12.5),
    ],
)
def test_bound_of_server_is_the_users_or_the_rounds(
    model: str, ruleset: Ruleset, words: tuple[str, ...], milliseconds: float
):
    found = made("--scenario=Server", *words, ruleset=ruleset, model=model)
    assert found.server_target_latency_ns == milliseconds * 1e6
    assert found.server_coalesce_queries


@pytest.mark.parametrize(
    ("scenario", "words", "where"),
    [
        ("SingleStream", ("--target_latency_ms=1e-7",), "--target_latency_ms"),  # zero nanoseconds
        ("MultiStream", ("--target_latency_ms=1e-7",), "--target_latency_ms"),
        ("Server", ("--max_latency_ms=1e-7",), "--max_latency_ms"),
        ("Server", ("--target_qps=1e12",), "--target_qps"),
        ("Offline", ("--target_qps=1e13",), "--target_qps"),
        ("SingleStream", ("--duration=1e-4",), "--duration"),
        ("SingleStream", ("--duration=1e7", "--target_latency_ms=1e6"), "--duration"),
    ],
)
def test_refused_value_is_blamed_on_the_flag_that_set_it(scenario: str, words: tuple[str, ...], where: str):
    with pytest.raises(InputError) as caught:
        made(f"--scenario={scenario}", *words, speed=None)
    assert caught.value.where == where


def test_refused_value_is_blamed_on_the_line_of_user_conf_that_overrode_the_flag(tmp_path: Path):
    conf = tmp_path / "user.conf"
    conf.write_text("# a comment\n*.Offline.target_qps = 1e13\n")
    with pytest.raises(InputError) as caught:
        made("--scenario=Offline", "--target_qps=5", f"--user_conf={conf}")
    assert caught.value.where == f"{conf}:2: *.Offline.target_qps"


@pytest.mark.parametrize(
    ("scenario", "own"),
    [
        ("SingleStream", {"single_stream_expected_latency_ns", "single_stream_target_latency_percentile"}),
        (
            "Server",
            {
                "server_target_qps",
                "server_target_latency_ns",
                "server_target_latency_percentile",
                "server_coalesce_queries",
            },
        ),
        ("Offline", {"offline_expected_qps"}),
    ],
)
def test_record_shows_the_settings_of_its_own_scenario(scenario: str, own: set[str]):
    found = loadgen.shown(made(f"--scenario={scenario}"), scenario)
    always = {"min_duration_ms", "min_query_count", "qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed"}
    assert set(found) == always | own
    assert found["min_query_count"] == QUICK.scenarios[scenario].min_queries
