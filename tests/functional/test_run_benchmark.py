"""The main job on the embedded default: real images, a trained network, LoadGen, ONNX Runtime."""

import json
import struct
from pathlib import Path

import pytest

from support.benchmark import TARGET, home, record_of, run
from support.repo import Loom, Repo

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ("SingleStream", "MultiStream", "Server", "Offline")
SHORT = "--duration=0.3"


def test_run_default_reports_accuracy_and_performance():
    answer = run().ok()
    results = answer.json["results"]
    accuracy, performance = results["accuracy"], results["performance"]
    assert accuracy["total"] == 450
    assert 0.97 <= accuracy["top1"] <= 1
    assert accuracy["top1"] == accuracy["correct"] / 450
    assert accuracy["reference"] == pytest.approx(accuracy["top1"], abs=0.005)
    assert performance["scenario"] == "SingleStream"
    assert performance["valid"] is True
    assert performance["samples_per_second"] > 0
    latency = performance["latency_ns"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"]
    assert results["submission_valid"] is False
    assert any("not valid for a submission" in note for note in results["notes"])
    assert Path(answer.json["record"]).is_file()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_run_each_scenario_and_mode_by_flag(scenario: str):
    answer = run(f"--scenario={scenario}", "--mode=both", SHORT).ok()
    results = answer.json["results"]
    assert results["scenario"] == results["performance"]["scenario"] == scenario
    assert results["accuracy"]["total"] == 450
    assert results["accuracy"]["top1"] >= 0.97
    assert results["performance"]["value"] > 0
    assert results["performance"]["sample_count"] > 0
    summary = (Path(answer.json["directory"]) / "performance" / "mlperf_log_summary.txt").read_text()
    assert f"Scenario : {scenario}" in summary
    assert ("Result is : VALID" in summary) is results["performance"]["valid"]


@pytest.mark.parametrize("scenario", SCENARIOS[1:])
def test_run_with_two_instances_answers_every_sample_once_and_alike(scenario: str):
    words = (f"--scenario={scenario}", "--instances=2", "--threads=1", "--batch_size=7", SHORT)
    results = run(*words).ok().json["results"]
    assert (results["settings"]["instances"], results["settings"]["threads"]) == (2, 1)
    assert results["accuracy"]["correct"] == run("--mode=accuracy").ok().json["results"]["accuracy"]["correct"]
    assert results["performance"]["sample_count"] > 0
    assert results["performance"]["cpu_seconds"] > 0


def test_run_with_instances_that_would_have_nothing_to_do_is_refused():
    answer = run("--instances=2", SHORT)
    assert answer.code == 2
    assert "a second instance would be idle" in answer.err


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_run_accuracy_comes_from_loadgens_log(scenario: str):
    answer = run(f"--scenario={scenario}", "--mode=accuracy").ok()
    assert "performance" not in answer.json["results"] or answer.json["results"]["performance"] is None
    entries = json.loads((Path(answer.json["directory"]) / "accuracy" / "mlperf_log_accuracy.json").read_text())
    best: dict[int, tuple[float, ...]] = {}
    for entry in entries:
        best.setdefault(entry["qsl_idx"], struct.unpack("5f", bytes.fromhex(entry["data"])))
    lines = (ROOT / "dataset" / "digits-val" / "val_map.txt").read_text().split("\n")
    labels = [int(line.split()[1]) for line in lines if line]
    correct = sum(best[index][0] == label for index, label in enumerate(labels))
    among_best = sum(label in best[index] for index, label in enumerate(labels))
    accuracy = answer.json["results"]["accuracy"]
    assert accuracy["correct"] == correct
    assert accuracy["values"] == {"top1": correct / 450, "top5": among_best / 450}
    assert among_best > correct


def test_run_performance_only_has_no_accuracy():
    answer = run("--mode=performance", SHORT).ok()
    assert answer.json["results"]["accuracy"] is None
    assert not (Path(answer.json["directory"]) / "accuracy").exists()


def test_run_invalid_result_is_reported_with_loadgens_reason():
    # LoadGen prepares far too few queries for the duration where the expected latency is far above the true one.
    answer = run("--target_latency_ms=1000", "--mode=performance").ok()
    performance = answer.json["results"]["performance"]
    assert performance["valid"] is False
    assert any("pre-generates more queries" in reason for reason in performance["invalid_reasons"])
    shown = Loom(home())("record", "show", answer.json["record"]).ok()
    assert "INVALID" in shown.out
    assert "pre-generates more queries" in shown.out


def test_run_official_ruleset_uses_its_seeds_and_names_its_blockers(tmp_path: Path):
    conf = tmp_path / "user.conf"
    conf.write_text("*.SingleStream.min_duration = 300\n*.SingleStream.min_query_count = 100\n")
    answer = run("--ruleset=mlperf-inference-1.0", f"--user_conf={conf}").ok()
    results = answer.json["results"]
    assert results["submission_valid"] is False
    assert "digits is not a benchmark of mlperf-inference-1.0" in [item["text"] for item in results["blockers"]]
    assert [(item["setting"], item["old"], item["new"]) for item in results["user_conf"]] == [
        ("min_duration_ms", 600_000, 300),
        ("min_query_count", 1024, 100),
    ]
    summary = (Path(answer.json["directory"]) / "performance" / "mlperf_log_summary.txt").read_text()
    assert "qsl_rng_seed : 7322528924094909334" in summary
    assert "schedule_rng_seed : 3507442325620259414" in summary
    assert "min_query_count : 100" in summary


def test_run_official_multistream_says_what_loadgen_cannot_express(tmp_path: Path):
    conf = tmp_path / "user.conf"
    conf.write_text("*.MultiStream.min_duration = 100\n*.MultiStream.min_query_count = 662\n")
    answer = run("--ruleset=mlperf-inference-1.0", "--scenario=MultiStream", f"--user_conf={conf}").ok()
    assert any("cannot be expressed" in text for text in (item["text"] for item in answer.json["results"]["blockers"]))


def test_run_inputs_reach_loadgen_and_the_record():
    answer = run("--scenario=offline", "--count=100", "--batch_size=7", "--threads=1", SHORT).ok()
    settings = answer.json["results"]["settings"]
    assert (settings["samples"], settings["batch_size"], settings["threads"]) == (100, 7, 1)
    assert answer.json["results"]["accuracy"]["total"] == 100
    record = record_of(answer)
    assert "--batch_size=7" in record["command"]
    assert record["plan"]["inputs"]["scenario"] == "Offline"


def test_run_record_holds_plan_host_and_digests():
    record = record_of(run("--mode=accuracy").ok())
    assert record["status"] == "ok"
    assert record["plan"]["target"] == TARGET
    assert record["lock_digest"].startswith("sha256:")
    host = record["host"]
    assert host["cores"] >= 1
    assert host["cpu_model"]
    assert host["libraries"]["onnxruntime"]
    assert record["started"].endswith("Z")
    assert record["started"] <= record["ended"]
    assert record["outputs"]["results.json"].startswith("sha256:")
    assert record["outputs"]["accuracy/mlperf_log_accuracy.json"].startswith("sha256:")
    assert any(node.startswith("package:model-digits-onnx") for node in record["inputs"])


def test_run_repetitions_give_statistics():
    answer = run("--mode=performance", SHORT, "--repetitions=3").ok()
    figures = answer.json["statistics"]["performance.samples_per_second"]
    assert figures["min"] <= figures["median"] <= figures["max"]
    assert figures["stdev"] > 0
    assert len(record_of(answer)["repetitions"]) == 3


def test_run_second_time_reuses_everything():
    run("--mode=accuracy").ok()
    plan = Loom(home())("plan", TARGET, "--json").ok()
    actions = {node["id"]: node["action"] for node in plan.json["nodes"]}
    assert set(actions.values()) <= {"reuse", "detect", "run"}


def test_run_table_names_model_accuracy_validity_and_record():
    answer = Loom(home())("run", TARGET, "--mode=both", SHORT).ok()
    for words in (
        "digits",
        "onnxruntime",
        "SingleStream",
        "top-1",
        "99.11 %",
        "VALID",
        "not submission-valid",
        "records",
    ):
        assert words in answer.out, words


def test_run_wrong_input_value_is_an_input_error():
    answer = run("--scenario=Ofline")
    assert answer.code == 2
    assert answer.json["error"]["kind"] == "InputError"
    assert "Offline" in answer.json["error"]["fix"]


def test_run_misspelt_flag_names_the_nearest():
    assert "'--scenario'" in run("--scenaro=Offline").err
    assert "'--repetitions'" in run("--repetitons=3").err


def test_run_model_with_other_tensors_fails_with_the_names_it_has(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    meta = json.loads((ROOT / "package/model-digits-onnx/.cm/meta.json").read_text())
    meta["model"]["inputs"][0]["name"] = "wrong:0"
    meta["model"]["name"] = "liar"
    meta["default_for"] = []
    tags = "model,image-classification,onnx,liar"
    folder = repo.entry("package", "model-liar", tags, **{key: value for key, value in meta.items() if key != "tags"})
    (folder / "digits.onnx").write_bytes((ROOT / "package/model-digits-onnx/digits.onnx").read_bytes())
    answer = run("--dep_add_tags.model=liar", loom=Loom(tmp_path / "home", repo))
    assert answer.code == 2
    assert "the model has no tensor 'wrong:0'" in answer.err
    assert "logits" in answer.err


def test_run_damaged_image_is_named(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    block = {"name": "broken", "task": "image-classification", "layout": "imagenet", "images": ".", "labels": "map.txt"}
    folder = repo.dataset(
        "broken", "dataset,image-classification,digits,broken", dataset={**block, "count": 1, "classes": 10}
    )
    (folder / "bad.JPEG").write_bytes(b"not a picture")
    (folder / "map.txt").write_text("bad.JPEG 3\n")
    answer = run("--dep_add_tags.dataset=broken", loom=Loom(tmp_path / "home", repo))
    assert answer.code == 2
    assert "1 of 1 images of broken are missing or damaged" in answer.err
    assert "the image cannot be decoded (1): bad.JPEG" in answer.err
    assert not list((tmp_path / "home" / "store" / "stage").glob("*"))
