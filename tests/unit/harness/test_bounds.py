"""The queries that LoadGen prepares: our count is the one in the real LoadGen's log."""

import json
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import pytest

from benchloom.errors import InputError
from benchloom.harness.bounds import Generated, expected_seconds, generated, refuse_unbounded
from benchloom.harness.options import parse


def settings(scenario: str, **changes: Any) -> Any:
    found = lg.TestSettings()
    found.FromConfig("", "m", scenario, 0)
    found.scenario = getattr(lg.TestScenario, scenario)
    found.mode = lg.TestMode.PerformanceOnly
    found.min_query_count, found.min_duration_ms = 100, 100
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def logged(folder: Path, made: Any) -> tuple[int, int]:
    """Run LoadGen with a system that answers at once; return its count of generated queries and their size."""

    def issue(query: list[Any]) -> None:
        lg.QuerySamplesComplete([lg.QuerySampleResponse(item.id, 0, 0) for item in query])

    sut, qsl = lg.ConstructSUT(issue, lambda: None), lg.ConstructQSL(64, 64, lambda _: None, lambda _: None)
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    logs = lg.LogSettings()
    logs.log_output, logs.enable_trace = output, False
    lg.StartTestWithLogSettings(sut, qsl, made, logs, "")
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    lines = (folder / "mlperf_log_detail.txt").read_text().splitlines()
    values = {item["key"]: item["value"] for item in (json.loads(line.partition(" ")[2]) for line in lines)}
    return values["generated_query_count"], values["generated_samples_per_query"]


CASES = [
    ("SingleStream", {"single_stream_expected_latency_ns": 50_000}),
    ("SingleStream", {"single_stream_expected_latency_ns": 50_000_000, "min_query_count": 700}),
    ("MultiStream", {"multi_stream_expected_latency_ns": 100_000}),
    ("Server", {"server_target_qps": 5000.0}),
    ("Offline", {"offline_expected_qps": 20_000.0}),
    ("Offline", {"offline_expected_qps": 1.0, "min_query_count": 512}),
]


@pytest.mark.parametrize(("scenario", "changes"), CASES)
def test_count_of_queries_is_loadgens(tmp_path: Path, scenario: str, changes: dict[str, Any]):
    made = settings(scenario, **changes)
    ours = generated(made)
    queries, size = logged(tmp_path, made)
    assert ours.samples_per_query == size
    # Server's arrivals are random; in the others one query more may begin at the very end.
    assert ours.queries == pytest.approx(queries, rel=0.15 if scenario == "Server" else 0.0, abs=1)


def test_memory_grows_with_queries_and_with_their_samples():
    single = generated(settings("SingleStream", min_query_count=10_000, single_stream_expected_latency_ns=10**9))
    multi = generated(settings("MultiStream", min_query_count=10_000, multi_stream_expected_latency_ns=10**9))
    assert single == Generated(10_000, 1, 5_560_000)
    assert multi == Generated(10_000, 8, 11_230_000)


def test_expected_duration_is_the_longer_of_duration_and_count():
    short = settings("SingleStream", min_duration_ms=2000, min_query_count=1000)
    assert expected_seconds(short, 0.001, 1) == 2.0
    assert expected_seconds(short, 0.01, 1) == 10.0
    server = settings("Server", min_duration_ms=2000, min_query_count=1000, server_target_qps=10.0)
    assert expected_seconds(server, None, 1) == 100.0
    offline = settings("Offline", min_duration_ms=10_000, offline_expected_qps=100.0)
    assert expected_seconds(offline, 0.005, 1) == pytest.approx(1100 * 0.005)
    assert expected_seconds(offline, 0.005, 2) == pytest.approx(1100 * 0.005 / 2)


def test_expected_duration_of_a_query_of_several_samples_is_shared_by_the_instances():
    multi = settings(
        "MultiStream", min_duration_ms=1, min_query_count=1000, multi_stream_expected_latency_ns=50_000_000
    )
    assert expected_seconds(multi, 0.01, 1) == pytest.approx(1000 * 8 * 0.01)
    assert expected_seconds(multi, 0.01, 2) == pytest.approx(1000 * 8 * 0.01 / 2)
    assert expected_seconds(multi, None, 2) == pytest.approx(1000 * 0.05)  # as LoadGen is told
    single = settings(
        "SingleStream", min_duration_ms=1, min_query_count=1000, single_stream_expected_latency_ns=7_000_000
    )
    assert expected_seconds(single, None, 1) == pytest.approx(1000 * 0.007)


@pytest.mark.parametrize(("longest", "seconds"), [(0, 1000.0), (30_000, 30.0), (2_000_000, 1000.0), (1, 2.0)])
def test_greatest_duration_ends_a_run_but_not_before_the_least(longest: int, seconds: float):
    made = settings("SingleStream", min_duration_ms=2000, min_query_count=1000, max_duration_ms=longest)
    assert expected_seconds(made, 1.0, 1) == seconds


def refused(made: Any, available: int | None, monkeypatch: pytest.MonkeyPatch, **where: str) -> str:
    """Return where the settings are refused on a machine with so much memory; '' if they are not."""
    monkeypatch.setattr("benchloom.harness.bounds.available_memory", lambda: available)
    try:
        refuse_unbounded(made, None, 1, where)
    except InputError as error:
        return error.where
    return ""


def test_queries_may_take_half_of_the_memory(monkeypatch: pytest.MonkeyPatch):
    made = settings("Offline", min_query_count=10_000, offline_expected_qps=1e5)
    taken = generated(made).memory
    assert taken == 11_000 * 450
    assert refused(made, 2 * taken, monkeypatch) == ""
    assert refused(made, None, monkeypatch) == ""  # not known
    assert refused(made, 2 * taken - 1, monkeypatch) == "LoadGen's settings"


WEEK = 7 * 24 * 3600


def test_run_may_take_a_week(monkeypatch: pytest.MonkeyPatch):
    def made(seconds: int) -> Any:
        return settings("SingleStream", min_query_count=seconds, single_stream_expected_latency_ns=10**9)

    assert refused(made(WEEK), None, monkeypatch, min_query_count="count") == ""
    assert refused(made(WEEK + 1), None, monkeypatch, min_query_count="count") == "count"
    # a short duration is not to blame, though the user set it, too
    blamed = refused(made(WEEK + 1), None, monkeypatch, min_query_count="count", min_duration_ms="--duration")
    assert blamed == "count"
    long = settings("Server", min_duration_ms=WEEK * 1000 + 1, server_target_qps=1.0)
    assert (
        refused(long, None, monkeypatch, server_target_qps="--target_qps", min_duration_ms="--duration") == "--duration"
    )
    assert refused(long, None, monkeypatch, server_target_qps="--target_qps") == "--target_qps"


@pytest.mark.parametrize("value", [0.0, 1.0, 1.5, float("nan")])
def test_percentile_lies_between_0_and_1(value: float):
    with pytest.raises(InputError, match=r"must be between 0 and 1") as caught:
        refuse_unbounded(settings("Server", server_target_latency_percentile=value), None, 1, {})
    assert caught.value.where == "server_target_latency_percentile"


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_rate_is_finite_and_above_zero(value: float):
    with pytest.raises(InputError, match=r"must be above zero"):
        refuse_unbounded(settings("Server", server_target_qps=value), None, 1, {})


def test_blame_goes_to_the_flag_that_set_it():
    with pytest.raises(InputError) as caught:
        refuse_unbounded(
            settings("Offline", offline_expected_qps=1e13), None, 1, {"offline_expected_qps": "--target_qps"}
        )
    assert caught.value.where == "--target_qps"
    assert "of memory" in caught.value.what


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0", "-1", "1e999", "x"])
@pytest.mark.parametrize("name", ["target_qps", "target_latency_ms", "max_latency_ms", "duration"])
def test_flags_take_finite_numbers_above_zero(name: str, value: str):
    with pytest.raises(InputError, match=r"is not (a finite number|a number above 0|a number \(float\))"):
        parse([f"--{name}={value}"], {})
