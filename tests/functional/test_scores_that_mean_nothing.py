"""A figure that means nothing is no figure, or says what is wrong with it: the digits with one thing changed."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from support.benchmark import run
from support.official import figure
from support.repo import Loom, Repo
from support.standin import ROOT, changed_digits

NETWORK = ROOT / "package" / "model-digits-onnx" / "digits.onnx"
SCENARIOS = ("SingleStream", "MultiStream", "Server", "Offline")
ACCURACY = ("--mode=accuracy", "--scenario=Offline", "--count=40")


def with_scores(factor: float) -> bytes:
    """The digits' network, its scores multiplied by ``factor``."""
    network = onnx.load(NETWORK)
    (output,) = network.graph.output
    for node in network.graph.node:
        node.output[:] = ["before" if name == output.name else name for name in node.output]
    network.graph.initializer.append(numpy_helper.from_array(np.array(factor, np.float32), "factor"))
    network.graph.node.append(helper.make_node("Mul", ["before", "factor"], [output.name]))
    found: bytes = network.SerializeToString()
    return found


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_scores_that_are_not_numbers_end_the_accuracy_run_with_the_image(tmp_path: Path, factor: float):
    repo = Repo(tmp_path / "repo")
    flag = changed_digits(repo, with_scores(factor))
    answer = run(flag, *ACCURACY, loom=Loom(tmp_path / "home", repo))
    assert answer.code == 4
    assert "the model's output for digits_val_000000" in answer.err
    assert "is not a number" in answer.err
    assert "10 of 10 values are NaN or infinite" in answer.err
    assert "Traceback" not in answer.err


def test_index_beyond_the_classes_is_refused(tmp_path: Path):
    network = onnx.load(NETWORK)
    (output,) = network.graph.output
    network.graph.node.append(helper.make_node("ArgMax", [output.name], ["best"], axis=1, keepdims=0))
    network.graph.initializer.append(numpy_helper.from_array(np.array(50, np.int64), "fifty"))
    network.graph.node.append(helper.make_node("Add", ["best", "fifty"], ["index"]))
    del network.graph.output[:]
    network.graph.output.append(helper.make_tensor_value_info("index", onnx.TensorProto.INT64, ["N"]))
    repo = Repo(tmp_path / "repo")
    outputs = [{"name": "index", "shape": ["N"], "dtype": "int64"}]
    flag = changed_digits(repo, network.SerializeToString(), prediction="index", outputs=outputs)
    answer = run(flag, *ACCURACY, loom=Loom(tmp_path / "home", repo))
    assert answer.code == 2
    assert "its facts state labels 0 to 9" in answer.err


@pytest.mark.parametrize("shift", [1, -1])
def test_labels_off_by_one_are_explained(tmp_path: Path, shift: int):
    """The images of the digits with another label file: all labels one more, or one less."""
    repo = Repo(tmp_path / "repo")
    block = {"name": "shifted", "task": "image-classification", "layout": "imagenet", "images": "images"}
    folder = repo.dataset(
        "shifted",
        "dataset,image-classification,digits,shifted",
        dataset={**block, "labels": "map.txt", "count": 40, "classes": 11},
    )
    source = ROOT / "dataset" / "digits-val"
    (folder / "images").symlink_to(source / "images")
    lines = [line.split() for line in (source / "val_map.txt").read_text().splitlines()]
    kept = [(name, int(label)) for name, label in lines if int(label) + shift >= 0]
    (folder / "map.txt").write_text("".join(f"{name} {label + shift}\n" for name, label in kept[:40]))
    answer = run("--dep_add_tags.dataset=shifted", *ACCURACY, loom=Loom(tmp_path / "home", repo)).ok()
    results = answer.json["results"]
    assert results["accuracy"]["correct"] <= 1
    [far, why] = results["notes"][:2]
    assert "is far below the published 99.11 %" in far
    assert why.startswith(
        f"with 1 {'added to' if shift > 0 else 'taken from'} each predicted label, accuracy would be "
    )
    assert "see classes.offset" in why


def test_nothing_annotated_gives_no_accuracy(tmp_path: Path):
    source = ROOT / "dataset" / "digit-scenes-val"
    meta = json.loads((source / ".cm" / "meta.json").read_text())
    repo = Repo(tmp_path / "repo")
    tags = f"{','.join(meta.pop('tags'))},bare"
    meta.pop("default_for", None)
    folder = repo.entry("dataset", "bare", tags, **meta)
    (folder / "images").symlink_to(source / "images")
    found = json.loads((source / "annotations.json").read_text())
    (folder / "annotations.json").write_text(json.dumps({**found, "annotations": []}))
    loom = Loom(tmp_path / "home", repo)
    words = ("--scenario=Offline", "--mode=accuracy", "--count=5", "--dep_add_tags.dataset=bare")
    answer = loom("run", "program:object-detection-onnx", "--json", "--quiet", *words).ok()
    accuracy = answer.json["results"]["accuracy"]
    assert accuracy["mean_average_precision"] is None
    assert "the 5 images have no annotated objects" in accuracy["problem"]
    shown = loom("record", "show", "last").ok().out
    assert "accuracy   none: the 5 images have no annotated objects" in shown.replace(
        "accuracy  ", "accuracy   "
    ).replace("    ", "   ")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_official_command_gives_the_figure_of_the_results(tmp_path: Path, scenario: str):
    answer = run(*ACCURACY, f"--scenario={scenario}", loom=Loom(tmp_path / "home")).ok()
    accuracy = answer.json["results"]["accuracy"]
    script, *words = accuracy["official_command"]
    assert script == "accuracy-imagenet.py"
    assert words[:2] == ["--mlperf-accuracy-file", "accuracy/mlperf_log_accuracy.json"]
    assert words[-2:] == ["--dtype", "float32"]
    assert words[3].endswith("val_map.txt")
    assert accuracy.get("official_problem", "") == ""
    assert figure([script, *words], Path(answer.json["directory"])) == accuracy["top1"]


def test_error_in_loadgens_log_is_shown_and_blocks_a_submission(tmp_path: Path):
    """Issuing the same sample and unique samples at once is an error for LoadGen, which calls the run VALID."""
    conf = tmp_path / "user.conf"
    conf.write_text(
        "*.SingleStream.performance_issue_same = 1\n*.SingleStream.performance_issue_unique = 1\n"
        "*.SingleStream.min_duration = 200\n*.SingleStream.min_query_count = 128\n"
    )
    loom = Loom(tmp_path / "home")
    words = (f"--user_conf={conf}", "--ruleset=mlperf-inference-1.0")
    answer = run(*words, loom=loom).ok()
    results, said = answer.json["results"], (Path(answer.json["directory"]) / "stdout.txt").read_text()
    [error] = [text for text in results["performance"]["errors"] if "both cannot be true at the same time" in text]
    shown, compared = (loom(*verb).ok().out for verb in (("record", "show", "last"), ("compare", "last")))
    for name in ("performance", "accuracy"):
        assert error in results[name]["errors"]
        assert f"LoadGen logged an error in the {name} run: {error}" in [item["text"] for item in results["blockers"]]
        assert f"error in LoadGen's log of the {name} run: {error}" in said
        assert f"LoadGen, {name} run: {error}" in shown
        assert f"error: LoadGen, {name} run: {error}" in compared
    assert (
        "user.conf line 1 sets performance_issue_same to 1, the round's is 0: such a result is of the open division"
        in [item["text"] for item in results["blockers"]]
    )
