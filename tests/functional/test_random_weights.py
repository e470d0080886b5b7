"""ResNet-50 with random weights: built here, chosen only where it is asked for, timed and never scored."""

import json
from pathlib import Path

import pytest

from support.benchmark import TARGET, record_of, run
from support.heavy import heavy, loom_with
from support.repo import Loom
from support.standin import imagenet_folder

REF = "package:model-resnet50-onnx-random"
ASKED = "--dep_add_tags.model=resnet50,random-weights"
SHORT = ("--count=4", "--batch_size=1", "--duration=0.1", "--mode=performance")


@pytest.mark.parametrize("mode", [("--mode=accuracy",), ("--mode=both",), ()])
def test_random_weights_have_no_accuracy(mode: tuple[str, ...]):
    answer = run(ASKED, *mode)
    assert answer.code == 2
    assert "the weights of resnet50 are random, so it has no accuracy" in answer.err
    assert "--mode=performance" in answer.err


def test_random_weights_are_timed_without_any_download(tmp_path: Path):
    few = tmp_path / "user.conf"
    few.write_text("*.SingleStream.min_query_count = 8\n")
    answer = run(ASKED, *SHORT, f"--user_conf={few}").ok()
    results = answer.json["results"]
    assert (results["model"], results["accuracy"]) == ("resnet50", None)
    assert results["performance"]["samples_per_second"] > 0
    assert any(ref.startswith(REF) for ref in record_of(answer)["inputs"])
    # Where it is built already, it is still no answer to those who did not ask for it.
    for query in ("resnet50", "resnet", "side.224", "resnet50,onnx,fp32", "-digits"):
        plan = Loom(Path(record_of(answer)["directory"]).parents[1])("plan", TARGET, f"--dep_add_tags.model={query}")
        assert REF not in plan.out


@pytest.mark.parametrize("query", ["resnet50", "resnet50,onnx", "resnet50-v1.5,fp32", "onnx,nchw,side.224"])
def test_random_weights_do_not_stand_in_for_a_model_that_cannot_run(tmp_path: Path, query: str):
    # Without ImageNet no trained one can run; the untrained one could.
    answer = Loom(tmp_path)("plan", TARGET, f"--dep_add_tags.model={query}", "--json")
    assert answer.code == 3


def test_explain_says_why_random_weights_were_not_chosen(tmp_path: Path):
    folder = imagenet_folder(tmp_path / "imagenet", images=1, wrong=0)
    words = ("--dep_add_tags.model=resnet50,-opset-8,-opset-11", f"--dataset_path={folder}")
    answer = Loom(tmp_path / "home").here("plan", TARGET, *words)
    assert answer.code == 3
    assert "its weights are random: it is chosen only if the tag random-weights is requested" in answer.err


def test_find_and_show_tell_that_weights_are_random(tmp_path: Path):
    loom = Loom(tmp_path)
    found = loom.here("find", "package", "--tags=model,resnet50,random-weights,onnx,fp32", "--json").ok().json
    assert [item["ref"] for item in found] == [REF]
    assert "weights" in loom.here("show", REF).ok().out
    facts = json.loads(loom.here("show", REF, "--json").ok().out)
    assert facts["model"]["weights"] == "random"


def test_random_weights_in_eight_bits_are_timed_where_they_are_asked_for():
    answer = run(f"{ASKED},int8", *SHORT, "--scenario=Offline").ok()
    assert answer.json["results"]["precision"] == "int8"
    assert any(ref.startswith("package:model-resnet50-onnx-int8-random") for ref in record_of(answer)["inputs"])


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["pytorch", "tensorflow", "tflite"])
def test_random_weights_are_timed_with_every_backend(tmp_path: Path, backend: str):
    words = (ASKED, *SHORT, "--scenario=Offline", "--json", "--quiet")
    loom = loom_with(backend, tmp_path / "home")
    answer = loom("run", f"program:image-classification-{backend}", *words, limit=880).ok()
    results = answer.json["results"]
    assert (results["model"], results["backend"], results["accuracy"]) == ("resnet50", backend, None)
    assert results["performance"]["samples_per_second"] > 0
