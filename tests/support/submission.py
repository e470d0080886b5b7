"""Small honest submissions: logs of real LoadGen runs of a fraction of a second, under rulesets of real rounds with smaller numbers.

    rules = short_rules("5.1")
    root = build(tmp_path / "tree", logs("5.1", tmp_path / "logs"), "5.1")

The system under test knows the label of each of ``SAMPLES`` samples and answers with it.
"""

import array
import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import msgspec

from benchloom.index.bases import Bases, Root
from benchloom.index.read import read_entry
from benchloom.model.ruleset import Ruleset, Seeds
from benchloom.model.submission_rules import SubmissionRules
from benchloom.submission.context import Rules

ROOT = Path(__file__).resolve().parents[2]
SAMPLES, QSL = 600, 64  # so many that the accuracy log is longer than may be submitted
DURATION_MS, OFFLINE = 150, 256
SERVICE_S, RATE = 60e-6, 20_000  # of one sample; what Offline is told to expect, so that its one query is long enough
SUBMITTER, SYSTEM, MODEL = "Acme", "box-cpu", "resnet50"
SCENARIOS = {"1.0": ("SingleStream", "Offline"), "5.1": ("SingleStream", "MultiStream", "Offline")}
TESTS = {"1.0": ("TEST01", "TEST04-A", "TEST04-B", "TEST05"), "5.1": ("TEST01", "TEST04")}
_AUDITS = {
    "TEST01": "*.*.mode = 2\n*.*.accuracy_log_rng_seed = 720381539243781796\n*.*.accuracy_log_sampling_target = 32\n",
    "TEST04": "*.*.mode = 2\n*.*.performance_issue_same = 1\n*.*.performance_issue_same_index = 3\n",
}
_KEPT = 4096  # bytes at either end of a truncated accuracy log


def rules_of(round_: str) -> Rules:
    """Return the rules of a round as its component states them."""
    ruleset, submission = _read(round_)
    return Rules(ruleset, submission)


def short_rules(round_: str) -> Rules:
    """Return the rules of a round with durations, counts and the data set's size made small."""
    ruleset, submission = _read(round_)
    scenarios = {
        name: msgspec.structs.replace(
            row, min_duration=DURATION_MS / 1000, min_queries=None if row.min_queries is None else 16
        )
        for name, row in ruleset.scenarios.items()
    }
    resnet = msgspec.structs.replace(
        ruleset.benchmarks["resnet"], qsl_size=QSL, dataset_size=SAMPLES, min_queries={"Offline": OFFLINE}
    )
    short = msgspec.structs.replace(ruleset, scenarios=scenarios, benchmarks={**ruleset.benchmarks, "resnet": resnet})
    return Rules(short, submission)


def short_component(round_: str, name: str) -> dict[str, Any]:
    """Return the metadata of a ruleset component called ``name`` with the short rules of a round."""
    rules = short_rules(round_)
    ruleset = json.loads(msgspec.json.encode(msgspec.structs.replace(rules.ruleset, name="", round=name)))
    return {"ruleset": ruleset, "submission": json.loads(msgspec.json.encode(rules.submission))}


def _read(round_: str) -> tuple[Ruleset, SubmissionRules]:
    root = Root("benchloom", str(ROOT))
    found = read_entry("ruleset", ROOT / "ruleset" / f"mlperf-inference-{round_}", root, Bases([root]))
    assert found.component is not None, found.findings
    assert not found.findings
    assert found.component.ruleset is not None
    assert found.component.submission is not None
    return found.component.ruleset, found.component.submission


def logs(round_: str, folder: Path) -> Path:
    """Run LoadGen for every scenario of a round: performance, accuracy and each compliance test."""
    seeds = short_rules(round_).ruleset.seeds
    assert seeds is not None
    for scenario in SCENARIOS[round_]:
        place = folder / scenario
        run(place / "performance", scenario, seeds)
        run(place / "accuracy", scenario, seeds, accuracy=True)
        for test in TESTS[round_]:
            own = rules_of(round_).submission.test_seeds.get(test, seeds)
            audit = next((text for name, text in _AUDITS.items() if test.startswith(name)), "")
            run(place / test, scenario, own, audit=audit)
    return folder


def run(folder: Path, scenario: str, seeds: Seeds, *, accuracy: bool = False, audit: str = "") -> None:
    """Run LoadGen once into ``folder``; ``audit`` is the content of an audit.config."""
    folder.mkdir(parents=True)
    settings = lg.TestSettings()
    settings.scenario = getattr(lg.TestScenario, scenario)
    settings.mode = lg.TestMode.AccuracyOnly if accuracy else lg.TestMode.PerformanceOnly
    settings.min_duration_ms = DURATION_MS
    settings.min_query_count = OFFLINE if scenario == "Offline" else 700
    settings.offline_expected_qps = RATE
    settings.single_stream_expected_latency_ns = settings.multi_stream_expected_latency_ns = 10_000
    settings.qsl_rng_seed, settings.sample_index_rng_seed = seeds.qsl, seeds.sample_index
    settings.schedule_rng_seed = seeds.schedule
    output = lg.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout = str(folder), False
    log = lg.LogSettings()
    log.log_output, log.enable_trace = output, False
    config = folder / "audit.config"
    if audit:
        config.write_text(audit)
    sut, qsl = lg.ConstructSUT(_answer, lambda: None), lg.ConstructQSL(SAMPLES, QSL, lambda _: None, lambda _: None)
    try:
        lg.StartTestWithLogSettings(sut, qsl, settings, log, str(config) if audit else "")
    finally:
        lg.DestroyQSL(qsl)
        lg.DestroySUT(sut)
    config.unlink(missing_ok=True)
    (folder / "mlperf_log_trace.json").unlink(missing_ok=True)


def _answer(samples: Sequence[Any]) -> None:
    time.sleep(SERVICE_S * len(samples))
    values = array.array("f", [float(item.index % 10) for item in samples])
    start = values.buffer_info()[0]
    lg.QuerySamplesComplete(
        [lg.QuerySampleResponse(item.id, start + 4 * place, 4) for place, item in enumerate(samples)]
    )


def build(root: Path, made: Path, round_: str, division: str = "closed") -> Path:
    """Write the tree of a submission of one system and one model from the logs of ``logs``."""
    base = root / division / SUBMITTER
    rules = rules_of(round_).submission
    for scenario in SCENARIOS[round_]:
        place = f"{SYSTEM}/{MODEL}/{scenario}"
        results = base / "results" / place
        shutil.copytree(made / scenario / "performance", results / "performance" / "run_1")
        shutil.copytree(made / scenario / "accuracy", results / "accuracy")
        _score(results / "accuracy")
        for test in TESTS[round_]:
            _write_test(base / "compliance" / place / test, made / scenario / test, results / "accuracy")
        _write_measurements(base / "measurements" / place, rules)
    system = dict.fromkeys(rules.system_fields, "N/A")
    own = {
        "division": division,
        "submitter": SUBMITTER,
        "status": "available",
        "system_type": "edge",
        "system_name": "Box",
    }
    _write_json(base / "systems" / f"{SYSTEM}.json", {**system, **own, "number_of_nodes": 1})
    (base / "code" / MODEL / "python").mkdir(parents=True)
    (base / "code" / MODEL / "python" / "main.py").write_text("print('the harness')\n")
    (base / "calibration.md").write_text("Nothing was quantised.\n")
    return root


def _score(folder: Path) -> None:
    """Write accuracy.txt from the whole log, and truncate the log as MLCommons' tool does."""
    path = folder / "mlperf_log_accuracy.json"
    data = path.read_bytes()
    good = sum(
        array.array("f", bytes.fromhex(item["data"]))[0] == item["qsl_idx"] % 10 for item in _firsts(json.loads(data))
    )
    digest = hashlib.sha256(data).hexdigest()
    (folder / "accuracy.txt").write_text(
        f"accuracy={100 * good / SAMPLES:.3f}%, good={good}, total={SAMPLES}\nhash={digest}\n"
    )
    path.write_bytes(data[:_KEPT] + b"\n\n...\n\n" + data[-_KEPT:])


def _firsts(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({item["qsl_idx"]: item for item in reversed(records)}.values())


def _write_test(folder: Path, log: Path, accuracy: Path) -> None:
    shutil.copytree(log, folder / "performance" / "run_1")
    sampled = folder / "performance" / "run_1" / "mlperf_log_accuracy.json"
    if folder.name == "TEST01":
        (folder / "accuracy").mkdir()
        shutil.copy(sampled, folder / "accuracy" / sampled.name)
        shutil.copy(accuracy / "accuracy.txt", folder / "accuracy" / "accuracy.txt")
        (folder / "verify_accuracy.txt").write_text("num_perf_log_data_mismatch = 0\nTEST PASS\n")
    sampled.unlink()
    if folder.name != "TEST04-B":
        (folder / "verify_performance.txt").write_text("TEST PASS\n")


def _write_measurements(folder: Path, rules: SubmissionRules) -> None:
    folder.mkdir(parents=True)
    for name in rules.measurement_files:
        (folder / name).write_text(f"# {name}\n")
    (folder / "user.conf").write_text(f"*.*.min_duration = {DURATION_MS}\n")
    _write_json(folder / f"{SYSTEM}_python.json", dict.fromkeys(rules.measurement_fields, "fp32"))


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
