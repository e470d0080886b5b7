"""Reading LoadGen's logs: written by hand in LoadGen's format where a situation is rare, so that each line is known."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchloom.errors import ExecutionError
from benchloom.harness.logs import answers_of_all, read_performance, read_records
from benchloom.rules.figures import figures_of
from benchloom.rules.scenarios import SCENARIOS

OFFICIAL = {name: figures_of(name)[0].key for name in SCENARIOS}


def detail(folder: Path, **values: object) -> Path:
    lines = [f":::MLLOG {json.dumps({'key': key, 'value': value, 'time_ms': 1.0})}" for key, value in values.items()]
    (folder / "mlperf_log_detail.txt").write_text("\n".join([*lines, "not a log line"]))
    return folder


def answers(folder: Path, *items: tuple[int, float]) -> Path:
    rows = [
        {"seq_id": number, "qsl_idx": index, "data": np.float32(value).tobytes().hex().upper()}
        for number, (index, value) in enumerate(items)
    ]
    (folder / "mlperf_log_accuracy.json").write_text(json.dumps(rows))
    return folder


def test_accuracy_takes_the_first_record_of_a_sample(tmp_path: Path):
    assert {key: value.tolist() for key, value in read_records(answers(tmp_path, (0, 3.0), (0, 4.0))).items()} == {
        0: [3.0]
    }


def test_accuracy_refuses_missing_samples(tmp_path: Path):
    with pytest.raises(ExecutionError, match="lacks 1 of 2 samples"):
        answers_of_all(read_records(answers(tmp_path, (0, 3.0))), 2, tmp_path)


def test_accuracy_log_that_is_cut_off_is_an_error(tmp_path: Path):
    (tmp_path / "mlperf_log_accuracy.json").write_text('[{"seq_id": 0,')
    with pytest.raises(ExecutionError, match="cannot be read"):
        read_records(tmp_path)


def test_performance_takes_loadgens_own_figures(tmp_path: Path):
    folder = detail(
        tmp_path,
        **{
            "result_validity": "VALID",
            "result_samples_per_second": 123.5,
            "result_mean_latency_ns": 7,
            "result_50.00_percentile_latency_ns": 5,
            "result_99.90_percentile_latency_ns": 9,
            "result_query_count": 1,
            "result_min_duration_met": True,
        },
    )
    found = read_performance(folder, "Offline", OFFICIAL["Offline"], samples=10, seconds=1.0)
    assert (found.valid, found.samples_per_second, found.value) == (True, 123.5, 123.5)
    assert (found.metric, found.figures) == ("result_samples_per_second", {"result_samples_per_second": 123.5})
    assert found.latency_ns == {"mean": 7, "p50": 5, "p99.9": 9}


def test_every_figure_of_the_scenario_is_kept_and_the_official_one_is_marked(tmp_path: Path):
    figures = {"result_90.00_percentile_latency_ns": 7, "early_stopping_latency_ss": 8}
    folder = detail(tmp_path, result_validity="VALID", early_stopping_latency_ms=9, **figures)
    found = read_performance(folder, "SingleStream", "early_stopping_latency_ss", samples=10, seconds=1.0)
    assert found.figures == figures
    assert (found.metric, found.value) == ("early_stopping_latency_ss", 8)


def test_official_figure_that_loadgen_did_not_state_is_none(tmp_path: Path):
    folder = detail(tmp_path, **{"result_validity": "VALID", "result_90.00_percentile_latency_ns": 7})
    found = read_performance(folder, "SingleStream", "early_stopping_latency_ss", samples=10, seconds=1.0)
    assert (found.metric, found.value) == ("early_stopping_latency_ss", None)


def test_performance_of_multistream_is_samples_over_wall_time(tmp_path: Path):
    folder = detail(tmp_path, result_validity="VALID")
    assert (
        read_performance(folder, "MultiStream", OFFICIAL["MultiStream"], samples=80, seconds=2.0).samples_per_second
        == 40
    )


def test_invalid_keeps_every_reason_once(tmp_path: Path):
    folder = detail(
        tmp_path,
        result_validity="INVALID",
        result_invalid_reason="Increase expected QPS ",
        result_perf_constraints_met=False,
        early_stopping_met=False,
        early_stopping_result=" * Only processed 30 queries.",
    )
    found = read_performance(folder, "Offline", OFFICIAL["Offline"], samples=1, seconds=1.0)
    assert found.valid is False
    assert found.invalid_reasons == (
        "Increase expected QPS",
        "early stopping: * Only processed 30 queries.",
        "the latency constraint was not met",
    )


def test_log_without_result_is_an_error(tmp_path: Path):
    with pytest.raises(ExecutionError, match="without a result"):
        read_performance(detail(tmp_path, error_runtime="boom"), "Server", OFFICIAL["Server"], samples=0, seconds=1.0)
