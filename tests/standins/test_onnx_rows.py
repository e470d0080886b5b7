"""The ONNX rows of the v1.0 model table, from an empty store to a LoadGen accuracy whose value is known in advance."""

from pathlib import Path
from typing import Any

import pytest

from support.benchmark import run
from support.official import SCENARIOS, assert_same_figure
from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import imagenet_folder, meta_of, overlay, planted_onnx

IMAGES, WRONG = 20, 4
# Package, tags that choose it, opset, and the profile's mean and scale of the red channel.
ROWS = {
    "row_2_resnet50_onnx_opset8": ("model-resnet50-onnx-opset8", "resnet50,opset-8", 8, 123.68, 1.0),
    "row_2_resnet50_onnx_opset11": ("model-resnet50-onnx-opset11", "resnet50,opset-11", 11, 123.68, 1.0),
    "row_9_mobilenet_onnx_opset8": ("model-mobilenet-onnx-opset8", "mobilenet,opset-8", 8, 127.5, 1 / 127.5),
    "row_9_mobilenet_onnx_opset11": ("model-mobilenet-onnx-opset11", "mobilenet,opset-11", 11, 127.5, 1 / 127.5),
}


def run_row(tmp_path: Path, row: str, *words: str, **changes: object) -> Answer:
    alias, tags, opset, mean, scale = ROWS[row]
    data = planted_onnx({**meta_of(alias)["model"], **changes}, opset, mean, scale)
    served = tmp_path / "served"
    served.mkdir(exist_ok=True)
    (served / "model.onnx").write_bytes(data)
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=WRONG)
    repo = Repo(tmp_path / "repo")
    with FileServer(served) as server:
        overlay(repo, alias, server.url("model.onnx"), data)
        loom = Loom(tmp_path / "home", repo)
        flags = (f"--dep_add_tags.model={tags}", f"--dataset_path={folder}", "--mode=accuracy", *words)
        return run(*flags, loom=loom)


@pytest.mark.parametrize("row", ROWS)
def test_row_gives_the_planted_accuracy_in_every_scenario(tmp_path: Path, row: str):
    for scenario in SCENARIOS:
        answer = run_row(tmp_path, row, f"--scenario={scenario}")
        assert_same_figure(answer)
        results = answer.json["results"]
        assert results["accuracy"]["total"] == IMAGES
        assert results["accuracy"]["correct"] == IMAGES - WRONG
        assert results["model"] == row.split("_")[2]
        assert results["dataset"] == "soft:dataset.imagenet.val"


def test_row_on_a_part_of_the_set_is_not_called_valid_for_a_submission(tmp_path: Path):
    conf = tmp_path / "user.conf"
    conf.write_text("*.SingleStream.min_duration = 100\n*.SingleStream.min_query_count = 64\n")
    words = ("--ruleset=mlperf-inference-1.0", "--mode=both", f"--user_conf={conf}")
    results = run_row(tmp_path, "row_2_resnet50_onnx_opset11", *words).ok().json["results"]
    assert results["performance"]["valid"] is True
    assert results["submission_valid"] is False
    assert any(
        "0.1 s and 64 queries are less than the round's 600 s and 1024" in note
        for note in [item["text"] for item in results["blockers"]]
    )
    assert "20 samples were used, the whole data set has 50000" in [item["text"] for item in results["blockers"]]


@pytest.mark.parametrize("row", ["row_2_resnet50_onnx_opset11", "row_9_mobilenet_onnx_opset8"])
def test_row_with_another_class_offset_is_wrong(tmp_path: Path, row: str):
    # The file now puts class 0 first, the component says that a background comes before it.
    answer = run_row(tmp_path, row, classes={"count": 1001, "offset": 0}).ok()
    assert answer.json["results"]["accuracy"]["correct"] < IMAGES - WRONG


def test_row_with_channels_last_is_refused(tmp_path: Path):
    inputs = [{"name": "input_tensor:0", "shape": ["N", 224, 224, 3], "dtype": "float32"}]
    answer = run_row(tmp_path, "row_2_resnet50_onnx_opset11", inputs=inputs)
    assert answer.code == 2
    assert "the model's input 'input_tensor:0' is [-1, 224, 224, 3], its facts state" in answer.err


@pytest.mark.parametrize(
    ("row", "changes", "told"),
    [
        (
            "row_2_resnet50_onnx_opset8",
            {"prediction": "argmax", "outputs": [{"name": "ArgMax:0", "shape": ["N", 1001]}]},
            "prediction 'index' requires one",
        ),
        (
            "row_9_mobilenet_onnx_opset8",
            {"prediction": "index", "outputs": [{"name": "MobilenetV1/Predictions/Reshape_1:0", "shape": ["N"]}]},
            "its facts state 1001 classes",
        ),
        (
            "row_9_mobilenet_onnx_opset11",
            {"inputs": [{"name": "input:0", "shape": ["N", 3, 224, 224], "dtype": "uint8"}]},
            "the model's input 'input:0' takes uint8, its facts state float32",
        ),
    ],
    ids=["index of scores", "scores of an index", "type"],
)
def test_row_with_a_file_of_another_kind_is_refused(tmp_path: Path, row: str, changes: dict[str, Any], told: str):
    answer = run_row(tmp_path, row, **changes)
    assert answer.code == 2
    assert told in answer.err
    assert "Traceback" not in answer.err


def test_dataset_path_without_the_set_says_what_it_needs(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    answer = Loom(tmp_path / "home")(
        "plan",
        "program:image-classification-onnx",
        "--dep_add_tags.model=resnet50,opset-11",
        f"--dataset_path={tmp_path}/empty",
    )
    assert answer.code == 2
    assert "contains no data set" in answer.err
    assert "val_map.txt" in answer.err


def test_partial_dataset_names_what_is_missing(tmp_path: Path):
    folder = imagenet_folder(tmp_path / "imagenet", images=3, wrong=0)
    (folder / "ILSVRC2012_val_00000002.JPEG").unlink()
    repo = Repo(tmp_path / "repo")
    data = planted_onnx(meta_of("model-resnet50-onnx-opset11")["model"], 11, 123.68, 1.0)
    (tmp_path / "model.onnx").write_bytes(data)
    overlay(repo, "model-resnet50-onnx-opset11", (tmp_path / "model.onnx").as_uri(), data)
    answer = run(
        "--dep_add_tags.model=resnet50,opset-11", f"--dataset_path={folder}", loom=Loom(tmp_path / "home", repo)
    )
    assert answer.code == 2
    assert "1 of 3 images of imagenet2012-val are missing" in answer.err
    assert "ILSVRC2012_val_00000002.JPEG" in answer.err


def test_changed_image_is_pre_processed_again(tmp_path: Path):
    folder = imagenet_folder(tmp_path / "imagenet", images=3, wrong=0)
    loom = Loom(tmp_path / "home")
    words = (
        "plan",
        "program:image-classification-onnx",
        "--dep_add_tags.model=resnet50,opset-11",
        f"--dataset_path={folder}",
        "--json",
    )
    before = loom(*words).ok().node("samples")["key"]
    assert loom(*words).ok().node("samples")["key"] == before
    (folder / "ILSVRC2012_val_00000002.JPEG").write_bytes(b"other")
    assert loom(*words).ok().node("samples")["key"] != before


@pytest.mark.parametrize("row", ROWS)
def test_tags_find_exactly_the_row(tmp_path: Path, row: str):
    alias, tags, *_ = ROWS[row]
    found = Loom(tmp_path / "home").here("find", "package", f"--tags=model,onnx,{tags}", "--json").ok().json
    assert [item["ref"] for item in found] == [f"package:{alias}"]
