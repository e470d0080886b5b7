from pathlib import Path

import msgspec
import pytest

import support.results
from benchloom.model.plan import PLAN_SCHEMA, Candidate, Node, Plan, Platform
from benchloom.model.provision import InPlace
from benchloom.model.record import (
    RECORD_SCHEMA,
    Accuracy,
    Conditions,
    Host,
    Performance,
    Record,
    Repetition,
)
from benchloom.record.statistics import over_results
from benchloom.report.records import accuracy_line, host_line, latency, number, official_text, record_text

replace = msgspec.structs.replace


def node(component: str, role: str, version: str = ""):
    candidate = Candidate(component=component, family=component, version=version)
    return Node(id=component, candidate=candidate, provision=InPlace(), roles=(role,))


PLAN = Plan(
    schema=PLAN_SCHEMA,
    target="program:app",
    command="default",
    inputs={},
    env={},
    platform=Platform(os="linux", arch="x86_64", python="3.11"),
    nodes=(node("package:net", "model", "1.5"), node("dataset:digits-val", "dataset")),
)
RESULTS = replace(
    support.results.RESULTS,
    accuracy=Accuracy(metric="top1", top1=444 / 450, correct=444, total=450, reference=0.986667),
    performance=Performance(
        scenario="SingleStream",
        valid=True,
        samples_per_second=1234.56,
        latency_ns={"mean": 1, "p50": 812_345, "p90": 999_600, "p99": 12_340_000},
        metric="result_90.00_percentile_latency_ns",
        value=999_600.0,
        query_count=2048,
        sample_count=2048,
    ),
    settings={"samples": 450},
    versions={"onnxruntime": "1.32.0"},
    notes=("ruleset quick: a run of seconds, not valid for a submission", "the machine was busy"),
)
REPETITION = Repetition(started="", ended="", seconds=4.25, status="ok", exit_code=0, results=RESULTS)
RECORD = Record(
    schema=RECORD_SCHEMA,
    id="one",
    target="program:app",
    command=("python",),
    arguments=(),
    status="ok",
    started="2026-01-02T03:04:05.000Z",
    ended="2026-01-02T03:04:09.000Z",
    directory="/home/me/runs/one",
    plan=PLAN,
    plan_digest="",
    lock_digest="",
    host=Host(
        os="Debian 12", kernel="6", arch="x86_64", cpu_model="A CPU", cores=2, memory_bytes=8 << 30, python="3.11.7"
    ),
    repetitions=(REPETITION,),
    results=RESULTS,
    statistics={},
    inputs={},
    outputs={},
    tags=(),
)

GOLDEN = """\
program:app (default)
  status      ok after 4.2 s, 2026-01-02T03:04:05.000Z
  model       digits (package:net @1.5)
  dataset     dataset:digits-val, 450 samples
  backend     onnxruntime 1.32.0
  scenario    SingleStream, performance and accuracy
  accuracy    98.67 % top-1 (444 of 450); reference 98.67 %
  official    90th percentile latency 1.00 ms
  throughput  1,235 samples/s (2,048 queries)
  latency     p50 812 µs   p90 1.00 ms   p99 12.3 ms
  LoadGen     VALID
  ruleset     quick: not submission-valid
  note        the machine was busy
  host        A CPU, 2 cores, 8.0 GiB, Debian 12, Python 3.11.7
  record      /home/me/records/one.json
  run         /home/me/runs/one"""


def test_record_text_of_a_run_is_golden():
    assert record_text(RECORD, Path("/home/me/records/one.json")) == GOLDEN


def test_record_text_of_an_invalid_run_gives_loadgens_reasons():
    reasons = ("Min duration not met", "Early stopping not satisfied")
    performance = replace(RESULTS.performance, valid=False, invalid_reasons=reasons, query_count=1, sample_count=24_576)
    text = record_text(replace(RECORD, results=replace(RESULTS, performance=performance)), Path("r.json"))
    assert "  LoadGen     INVALID\n  reason      Min duration not met\n  reason      Early stopping not" in text
    assert "(1 query of 24,576 samples in all)" in text


@pytest.mark.parametrize("valid", [True, False])
def test_record_text_shows_what_loadgen_logged_in_either_run_each_once(valid: bool):
    performance = replace(
        RESULTS.performance,
        valid=valid,
        errors=("no unique samples",),
        warnings=("slow clock",),
        invalid_reasons=("no unique samples", "too short"),
    )
    accuracy = replace(RESULTS.accuracy, errors=("a second conf",), warnings=("a seed",))
    text = record_text(
        replace(RECORD, results=replace(RESULTS, performance=performance, accuracy=accuracy)), Path("r.json")
    )
    assert [line.split(maxsplit=1) for line in text.splitlines() if "error" in line or "warning" in line] == [
        ["error", "LoadGen, performance run: no unique samples"],
        ["error", "LoadGen, accuracy run: a second conf"],
        ["warning", "LoadGen, performance run: slow clock"],
        ["warning", "LoadGen, accuracy run: a seed"],
    ]
    assert ("  reason      too short" in text) is not valid
    assert "reason      no unique" not in text


def test_record_text_of_a_submission_valid_run_does_not_say_otherwise():
    results = replace(RESULTS, ruleset="mlperf-inference-1.0", submission_valid=True)
    text = record_text(replace(RECORD, results=results), Path("r.json"))
    assert "ruleset     mlperf-inference-1.0\n" in text
    assert "not submission-valid" not in text


def test_record_text_of_a_failed_run_says_how_it_ended():
    failed = replace(REPETITION, status="failed", exit_code=None, signal="SIGKILL", results=None)
    text = record_text(replace(RECORD, status="failed", repetitions=(failed,), results=None), Path("r.json"))
    assert "failed after 4.2 s" in text
    assert "repetition 1: failed, signal SIGKILL" in text
    assert "accuracy" not in text


def test_record_text_of_repetitions_shows_statistics_in_units():
    slower = replace(RESULTS, performance=replace(RESULTS.performance, samples_per_second=1000.0))
    record = replace(RECORD, repetitions=(REPETITION, REPETITION), statistics=over_results([RESULTS, slower]))
    text = record_text(record, Path("r.json"))
    assert "ok after 8.5 s, 2 repetitions" in text
    table = text.split("over 2 repetitions\n")[1].splitlines()
    assert table[0].split() == ["min", "median", "mean", "max", "stdev"]
    assert table[2].split()[:3] == ["official", "1.00", "ms"]
    assert table[3].split() == ["samples/s", "1,000", "1,117", "1,117", "1,235", "166"]
    assert len({len(line) for line in table}) == 1


def test_accuracy_line_without_a_measurement_says_so():
    assert accuracy_line(Accuracy(metric="top1", total=10)) == "not measured"


def test_accuracy_line_of_a_detector_says_over_how_many_images():
    found = Accuracy(metric="mAP", mean_average_precision=0.2312, total=5000, reference=0.23)
    assert accuracy_line(found) == "23.12 % mAP over 5,000 images; reference 23.00 %"


def test_host_line_leaves_out_what_is_unknown():
    host = Host(os="Linux", kernel="", arch="arm64", cpu_model="", cores=1, memory_bytes=None, python="3.12.1")
    assert host_line(host) == "arm64, 1 core, Linux, Python 3.12.1"


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [(0, "0.00 ns"), (999, "999 ns"), (999.7, "1.00 µs"), (34_567, "34.6 µs"), (1e9, "1.00 s"), (125e9, "125 s")],
)
def test_latency_takes_the_unit_with_few_digits(nanoseconds: float, expected: str):
    assert latency(nanoseconds) == expected


def test_number_keeps_three_digits_of_small_figures():
    assert [number(value) for value in (0.5, 99.96, 999.4, 1234567.8)] == ["0.50", "100", "999", "1,234,568"]


def shown(scenario: str, metric: str, value: float, **settings: object) -> list[list[str]]:
    """Rows of a run of ``scenario``, by name and text."""
    performance = replace(RESULTS.performance, scenario=scenario, metric=metric, value=value)
    results = replace(RESULTS, scenario=scenario, performance=performance, settings=settings)
    text = record_text(replace(RECORD, results=results), Path("r.json"))
    return [line.split(maxsplit=1) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("scenario", "metric", "value", "row", "short"),
    [
        ("SingleStream", "result_90.00_percentile_latency_ns", 290_000, "90th percentile latency 290 µs", "290 µs p90"),
        (
            "MultiStream",
            "result_99.00_percentile_per_query_latency_ns",
            48_700_000,
            "99th percentile latency of a query 48.7 ms (the figure of rounds since v2.0)",
            "48.7 ms p99 of a query",
        ),
        (
            "Server",
            "result_scheduled_samples_per_sec",
            1317.7,
            "scheduled queries 1,318 queries/s",
            "1,318 queries/s",
        ),
        ("Offline", "result_samples_per_second", 1067.0, "throughput 1,067 samples/s", "1,067 samples/s"),
    ],
)
def test_record_text_marks_the_official_figure_of_each_scenario(
    scenario: str, metric: str, value: float, row: str, short: str
):
    rows = shown(scenario, metric, value)
    assert ["official", row] in rows
    assert [name for name, _ in rows].index("official") < [name for name, _ in rows].index("throughput")
    assert official_text(scenario, metric, value, short=True) == short


def test_record_text_has_no_percentiles_of_offline():
    assert "latency" not in [row[0] for row in shown("Offline", "result_samples_per_second", 1067.0)]


def test_record_text_of_server_has_its_target_and_bound():
    settings = {
        "server_target_qps": 1280.5,
        "server_target_latency_ns": 10_000_000,
        "server_target_latency_percentile": 0.99,
    }
    rows = shown("Server", "result_scheduled_samples_per_sec", 1317.7, **settings)
    assert ["target", "1,280 queries/s, 99 % of them within 10.0 ms"] in rows


def test_record_text_of_a_record_without_an_official_figure_has_the_rest():
    performance = replace(RESULTS.performance, metric="", value=None)
    text = record_text(replace(RECORD, results=replace(RESULTS, performance=performance)), Path("r.json"))
    assert text == "\n".join(
        line for line in record_text(RECORD, Path("r.json")).splitlines() if "official" not in line
    )


BUSY = Conditions(load_before=1.25, load_after=2.0, others=0.374)


@pytest.mark.parametrize(
    ("conditions", "rows"),
    [
        (None, []),
        (Conditions(load_before=9.0, load_after=9.0, others=0.05), []),
        (Conditions(), []),
        (BUSY, [["busy", "other processes used 37 % of 2 cores; load average 1.2 before, 2.0 after"]]),
        (replace(BUSY, load_before=None), [["busy", "other processes used 37 % of 2 cores"]]),
        (Conditions(beside=("other",)), [["busy", "another run was measuring at the same time: other"]]),
    ],
)
def test_record_text_says_if_the_machine_was_busy(conditions: Conditions | None, rows: list[list[str]]):
    record = replace(RECORD, repetitions=(replace(REPETITION, conditions=conditions),))
    found = [line.split(maxsplit=1) for line in record_text(record, Path("r.json")).splitlines()]
    assert [row for row in found if row[0] == "busy"] == rows


def test_record_text_says_which_repetition_was_disturbed():
    record = replace(RECORD, repetitions=(REPETITION, replace(REPETITION, conditions=BUSY)))
    assert "  busy        repetition 2: other processes used 37 % of 2 cores" in record_text(record, Path("r.json"))


def test_repetitions_of_offline_have_no_percentiles_and_those_of_others_their_official_figure():
    for scenario, heads in (("SingleStream", {"official", "latency p50"}), ("Offline", {"official"})):
        results = replace(RESULTS, scenario=scenario)
        record = replace(
            RECORD, repetitions=(REPETITION, REPETITION), results=results, statistics=over_results([results, results])
        )
        table = record_text(record, Path("r.json")).split("over 2 repetitions\n")[1]
        assert {head for head in ("official", "latency p50") if f"  {head} " in table} == heads
