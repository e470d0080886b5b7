"""One fault in an honest submission gives its finding, and that finding alone; what the official checker does about it is known."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from benchloom.model.submission import SubmissionCheck
from benchloom.report.submissions import every_finding
from benchloom.submission.checking import check_submission
from support.submission import MODEL, SCENARIOS, SUBMITTER, SYSTEM, short_rules

OFFLINE = f"{SYSTEM}/{MODEL}/Offline"
RESULT, TESTS, MEASURED = f"results/{OFFLINE}", f"compliance/{OFFLINE}", f"measurements/{OFFLINE}"
PERFORMANCE, ACCURACY = f"{RESULT}/performance/run_1", f"{RESULT}/accuracy"
DETAIL, SUMMARY = "mlperf_log_detail.txt", "mlperf_log_summary.txt"
SYSTEM_FILE = f"systems/{SYSTEM}.json"
ERROR = ':::MLLOG {"key": "error_runtime", "value": "ERROR: lost a response", "metadata": {"is_error": true}}\n'

Damage = Callable[[Path], object]


def put(place: str, key: str, value: object) -> Damage:
    """Set the value of a key of a detail log."""

    def change(base: Path) -> None:
        path = base / place / DETAIL
        lines = path.read_text().splitlines()
        found = [number for number, line in enumerate(lines) if f'"key": "{key}"' in line]
        assert found, key
        for number in found:
            item = json.loads(lines[number].removeprefix(":::MLLOG "))
            lines[number] = f":::MLLOG {json.dumps({**item, 'value': value})}"
        path.write_text("\n".join(lines) + "\n")

    return change


def word(place: str, old: str, new: str) -> Damage:
    """Replace words of a file."""

    def change(base: Path) -> None:
        text = (base / place).read_text()
        assert old in text, old
        (base / place).write_text(text.replace(old, new))

    return change


def add(place: str, text: str) -> Damage:
    return lambda base: (base / place).write_text((base / place).read_text() + text)


def remove(place: str) -> Damage:
    return lambda base: (base / place).unlink() if (base / place).is_file() else shutil.rmtree(base / place)


def write(place: str, text: str) -> Damage:
    return lambda base: (base / place).write_text(text)


def copied(source: str, target: str) -> Damage:
    def change(base: Path) -> None:
        shutil.rmtree(base / target)
        shutil.copytree(base / source, base / target)

    return change


def field(name: str, value: object) -> Damage:
    """Set a field of the system description; None removes it."""

    def change(base: Path) -> None:
        facts = json.loads((base / SYSTEM_FILE).read_text())
        facts[name] = value
        (base / SYSTEM_FILE).write_text(json.dumps({key: item for key, item in facts.items() if item is not None}))

    return change


class Fault(NamedTuple):
    """A single fault: the code of its finding, and in which rounds the official checker accepts the submission."""

    name: str
    code: str
    damage: Damage
    accepted_by: tuple[str, ...] = ()
    only: tuple[str, ...] = ("1.0", "5.1")
    more: tuple[str, ...] = ()  # findings that the same fault also gives


FAULTS = (
    Fault(
        "LoadGen says INVALID",
        "result-invalid",
        lambda base: (
            put(PERFORMANCE, "result_validity", "INVALID")(base),
            word(f"{PERFORMANCE}/{SUMMARY}", "Result is : VALID", "Result is : INVALID")(base),
        ),
    ),
    Fault(
        "summary says INVALID",
        "summary-differs",
        word(f"{PERFORMANCE}/{SUMMARY}", "Result is : VALID", "Result is : INVALID"),
        ("1.0", "5.1"),
    ),
    Fault(
        "a second verdict",
        "validity-repeated",
        add(
            f"{PERFORMANCE}/{DETAIL}",
            ':::MLLOG {"key": "result_validity", "value": "INVALID", "metadata": {"is_error": false}}\n',
        ),
        ("1.0", "5.1"),
    ),
    Fault(
        "duration not met",
        "duration-not-met",
        put(PERFORMANCE, "result_min_duration_met", False),
        ("1.0", "5.1"),
        more=("summary-differs",),
    ),
    Fault(
        "queries not met",
        "queries-not-met",
        put(PERFORMANCE, "result_min_queries_met", False),
        ("1.0", "5.1"),
        more=("summary-differs",),
    ),
    Fault("wrong seed", "seeds", put(PERFORMANCE, "effective_qsl_rng_seed", 1), ("1.0",), more=("summary-differs",)),
    Fault(
        "short duration",
        "duration",
        put(PERFORMANCE, "effective_min_duration_ms", 60),
        ("1.0",),
        more=("summary-differs", "user-conf-differs"),
    ),
    Fault(
        "few samples in the query",
        "offline-samples",
        put(PERFORMANCE, "effective_samples_per_query", 10),
        ("1.0",),
        more=("summary-differs",),
    ),
    Fault(
        "few samples to draw from",
        "sample-count",
        put(PERFORMANCE, "effective_performance_sample_count", 10),
        more=("summary-differs",),
    ),
    Fault(
        "error in the performance log",
        "performance-errors",
        lambda base: (add(f"{PERFORMANCE}/{DETAIL}", ERROR)(base), put(PERFORMANCE, "num_errors", 1)(base)),
    ),
    Fault(
        "error that LoadGen does not count",
        "performance-errors-uncounted",
        add(f"{PERFORMANCE}/{DETAIL}", ERROR),
        ("5.1",),
    ),
    Fault(
        "error in the accuracy log",
        "accuracy-errors",
        add(f"{ACCURACY}/{DETAIL}", ERROR),
    ),
    Fault(
        "accuracy log as performance",
        "performance-mode",
        put(PERFORMANCE, "effective_test_mode", "AccuracyOnly"),
        ("1.0", "5.1"),
        more=("summary-differs",),
    ),
    Fault(
        "performance log as accuracy",
        "accuracy-mode",
        put(ACCURACY, "effective_test_mode", "PerformanceOnly"),
        ("1.0", "5.1"),
    ),
    Fault("result edited", "summary-differs", put(PERFORMANCE, "result_samples_per_second", 9e9), ("1.0", "5.1")),
    Fault(
        "Offline log as SingleStream",
        "scenario-other",
        copied(PERFORMANCE, f"results/{SYSTEM}/{MODEL}/SingleStream/performance/run_1"),
        ("1.0", "5.1"),
    ),
    Fault("line that is not JSON", "performance-log-unreadable", add(f"{PERFORMANCE}/{DETAIL}", ":::MLLOG {\n")),
    Fault(
        "summary removed", "summary-missing", remove(f"{PERFORMANCE}/{SUMMARY}"), ("1.0",), more=("performance-files",)
    ),
    Fault(
        "detail log removed",
        "performance-log-missing",
        remove(f"{PERFORMANCE}/{DETAIL}"),
        more=("performance-files", "scenario-missing"),
    ),
    Fault(
        "accuracy below the target",
        "accuracy-below-target",
        word(f"{ACCURACY}/accuracy.txt", "accuracy=100.000%, good=600", "accuracy=75.000%, good=450"),
    ),
    Fault(
        "accuracy above 100 %",
        "accuracy-impossible",
        word(f"{ACCURACY}/accuracy.txt", "accuracy=100.000%", "accuracy=101.000%"),
        ("1.0", "5.1"),
        more=("accuracy-contradicts",),
    ),
    Fault(
        "good and total contradict",
        "accuracy-contradicts",
        word(f"{ACCURACY}/accuracy.txt", "good=600", "good=500"),
        ("1.0", "5.1"),
    ),
    Fault(
        "part of the data set",
        "accuracy-total",
        word(f"{ACCURACY}/accuracy.txt", "good=600, total=600", "good=500, total=500"),
        ("1.0", "5.1"),
    ),
    Fault(
        "accuracy run of a part", "data-set-not-whole", put(ACCURACY, "qsl_reported_total_count", 450), ("1.0", "5.1")
    ),
    Fault("no hash", "accuracy-hash-missing", word(f"{ACCURACY}/accuracy.txt", "hash=", "# ")),
    Fault(
        "hash that is none", "accuracy-hash-odd", word(f"{ACCURACY}/accuracy.txt", "hash=", "hash=0"), ("1.0", "5.1")
    ),
    Fault(
        "whole log with the hash of another",
        "accuracy-hash-wrong",
        write(f"{ACCURACY}/mlperf_log_accuracy.json", '[{"seq_id": 0, "qsl_idx": 0, "data": "00"}]'),
        ("1.0", "5.1"),
    ),
    Fault(
        "accuracy log not truncated", "accuracy-record-whole", add(f"{ACCURACY}/mlperf_log_accuracy.json", "x" * 10_000)
    ),
    Fault(
        "accuracy log empty", "accuracy-record-empty", write(f"{ACCURACY}/mlperf_log_accuracy.json", ""), ("1.0", "5.1")
    ),
    Fault("accuracy.txt removed", "accuracy-text-missing", remove(f"{ACCURACY}/accuracy.txt")),
    Fault(
        "user.conf contradicts the log",
        "user-conf-differs",
        write(f"{MEASURED}/user.conf", "resnet50.Offline.min_duration = 999\n"),
        ("1.0", "5.1"),
    ),
    Fault("user.conf removed", "measurement-file-missing", remove(f"{MEASURED}/user.conf"), ("1.0",)),
    Fault(
        "measurements' JSON removed", "measurement-json-missing", remove(f"{MEASURED}/{SYSTEM}_python.json"), ("1.0",)
    ),
    Fault("measurements removed", "measurements-missing", remove(MEASURED)),
    Fault("code removed", "code-missing", remove(f"code/{MODEL}"), ("1.0",), more=("folder-empty",)),
    Fault("compliance removed", "compliance-missing", remove(TESTS), ("1.0",)),
    Fault(
        "TEST01 fails",
        "compliance-performance",
        write(f"{TESTS}/TEST01/verify_performance.txt", "TEST FAIL\n"),
        ("1.0",),
    ),
    Fault("TEST01 removed", "compliance-test-missing", remove(f"{TESTS}/TEST01"), ("1.0",)),
    Fault(
        "TEST01 without audit.config",
        "compliance-not-audited",
        put(f"{TESTS}/TEST01/performance/run_1", "effective_accuracy_log_sampling_target", 0),
        ("1.0", "5.1"),
    ),
    Fault(
        "TEST01's responses differ",
        "compliance-accuracy-files",
        write(f"{TESTS}/TEST01/verify_accuracy.txt", "TEST FAIL\n"),
        ("1.0",),
    ),
    Fault(
        "TEST01 with another seed",
        "compliance-log-strict",
        put(f"{TESTS}/TEST01/performance/run_1", "effective_qsl_rng_seed", 1),
        ("1.0",),
        only=("1.0",),
    ),
    Fault(
        "TEST01 with another seed",
        "compliance-log",
        put(f"{TESTS}/TEST01/performance/run_1", "effective_qsl_rng_seed", 1),
        only=("5.1",),
    ),
    Fault(
        "byte order mark",
        "system-bom",
        lambda base: (base / SYSTEM_FILE).write_bytes(b"\xef\xbb\xbf" + (base / SYSTEM_FILE).read_bytes()),
    ),
    Fault("system description removed", "system-missing", remove(SYSTEM_FILE)),
    Fault("unknown system type", "system-type", field("system_type", "phone")),
    Fault("unknown status", "system-status", field("status", "soon")),
    Fault("field missing", "system-field-missing", field("cooling", None)),
    Fault("field empty", "system-field-empty", field("cooling", ""), only=("5.1",)),
    Fault("another submitter", "system-submitter", field("submitter", "Other")),
    Fault("another division", "system-division", field("division", "open")),
    Fault("scenario removed", "scenario-missing", remove(RESULT)),
    Fault(
        "dangling link",
        "link-broken",
        lambda base: (base / "code" / "gone").symlink_to("nowhere"),
        ("1.0",),
        more=("link-from-root",),
    ),
    Fault("hidden file", "name-hidden", write(f"code/{MODEL}/.DS_Store", "x"), ("1.0",)),
)
WARNINGS = {"performance-files", "link-from-root", "folder-empty"}


def check(root: Path, round_: str) -> SubmissionCheck:
    return check_submission(root, short_rules(round_), f"ruleset:mlperf-inference-{round_}")


@pytest.mark.parametrize("round_", SCENARIOS)
@pytest.mark.parametrize("division", ["closed", "open"])
def test_an_honest_submission_is_acceptable(tree: Callable[[str, str], Path], round_: str, division: str):
    found = check(tree(round_, division), round_)
    assert [item for item in every_finding(found) if item.severity != "note"] == []
    assert found.official
    assert found.strict
    assert {item.scenario for item in found.results} == set(SCENARIOS[round_])
    assert all(item.value and item.accuracy == {"acc": "100.000"} and not item.inferred for item in found.results)
    assert all({"result-invalid", "seeds", "accuracy-below-target"} <= set(item.passed) for item in found.results)
    assert {item.compliance for item in found.results} == ({True} if division == "closed" else {None})


@pytest.mark.parametrize(
    ("fault", "round_"),
    [pytest.param(fault, round_, id=f"{fault.name}-{round_}") for fault in FAULTS for round_ in fault.only],
)
def test_a_fault_gives_its_finding_and_no_other(tree: Callable[[str], Path], fault: Fault, round_: str):
    root = tree(round_)
    fault.damage(root / "closed" / SUBMITTER)
    found = check(root, round_)
    items = {item.code: item for item in every_finding(found) if item.severity != "note"}
    assert fault.code in items
    assert set(items) - {fault.code} <= {*fault.more, *_followers(fault)}, items
    assert items[fault.code].severity == "error"
    assert items[fault.code].fix
    assert items[fault.code].reference
    assert not found.strict
    assert found.official == (round_ in fault.accepted_by)


def _followers(fault: Fault) -> set[str]:
    """What an unreadable description or log leaves open."""
    if fault.code in {"scenario-missing", "system-missing"}:
        return {"folder-empty"}
    return {"system-unused"} if fault.code.startswith("system") else set()


@pytest.mark.parametrize("round_", SCENARIOS)
def test_the_open_division_takes_any_accuracy(tree: Callable[[str, str], Path], round_: str):
    root = tree(round_, "open")
    word(f"{ACCURACY}/accuracy.txt", "accuracy=100.000%, good=600", "accuracy=1.000%, good=6")(
        root / "open" / SUBMITTER
    )
    found = check(root, round_)
    assert found.official
    assert found.strict
    assert [item.code for item in every_finding(found)] == ["accuracy-below-target"]


def test_offline_may_be_inferred_from_single_stream(tree: Callable[[str], Path]):
    root = tree("5.1")
    base = root / "closed" / SUBMITTER
    copied(f"results/{SYSTEM}/{MODEL}/SingleStream/performance/run_1", PERFORMANCE)(base)
    found = next(item for item in check(root, "5.1").results if item.scenario == "Offline")
    summary = (base / PERFORMANCE / SUMMARY).read_text()
    stated = next(line for line in summary.splitlines() if line.startswith("QPS w/o loadgen overhead"))
    assert found.inferred
    assert found.official
    assert found.log_scenario == "SingleStream"
    assert found.value == pytest.approx(float(stated.split(":")[1]), abs=0.01)
    assert found.unit == "samples/s"


def test_nothing_that_lies_in_a_tree_ends_a_check(tmp_path: Path):
    base = tmp_path / "closed" / "Two Words"
    (base / "results" / "box+1.0" / "net" / "offline" / "performance" / "run_1").mkdir(parents=True)
    (base / "results" / "a-file").write_text("")
    (base / "systems").mkdir()
    (base / "systems" / "box+1.0.json").write_bytes(b"\xff\xfe[")
    (base / "results" / "box+1.0" / "net" / "offline" / "performance" / "run_1" / DETAIL).write_bytes(b"\x00:::MLLOG")
    (base / "loop").symlink_to("loop")
    found = check(tmp_path, "5.1")
    assert not found.strict
    assert not found.official
    codes = {item.code for item in every_finding(found)}
    assert {"system-unreadable", "benchmark-unknown", "performance-log-unreadable"} <= codes


def test_an_empty_folder_is_no_submission(tmp_path: Path):
    found = check(tmp_path, "1.0")
    assert [item.code for item in found.findings] == ["results-missing"]
    assert not found.official
