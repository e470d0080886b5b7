"""Row 10 of the v1.0 model table, whose classes nobody states: the number of its scores says how they are read."""

from pathlib import Path
from typing import Any

import pytest

from support.benchmark import run
from support.official import SCENARIOS, assert_same_figure
from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import imagenet_folder, meta_of, overlay, planted_onnx, zipped

ALIAS = "model-mobilenet-onnx-int8-nvidia"
IMAGES, WRONG = 20, 4
CLASSES = {"count": 1001, "offset": 1}


def network(classes: dict[str, int]) -> bytes:
    # Tensor names, whole-numbered weights and a mean of 128 are all that is known of the original; opset and classes are not.
    stated = meta_of(ALIAS)["model"]
    outputs = [{**stated["outputs"][0], "shape": [1, classes["count"]]}]
    return planted_onnx({**stated, "classes": classes, "outputs": outputs}, 8, 128.0, 1.0)


def run_row(tmp_path: Path, *words: str, made: dict[str, int] | None = None, **facts: Any) -> Answer:
    data = zipped(
        {
            "Quantized MobileNet/": b"",
            "Quantized MobileNet/mobilenet_sym_no_bn.onnx": network(made or CLASSES),
            "Quantized MobileNet/README.txt": b"How it was made",
            "Quantized MobileNet/Training Steps.pdf": b"%PDF-1.4",
        }
    )
    served = tmp_path / "served"
    served.mkdir(exist_ok=True)
    (served / "model.zip").write_bytes(data)
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=WRONG)
    repo = Repo(tmp_path / "repo")
    with FileServer(served) as server:
        overlay(repo, ALIAS, server.url("model.zip"), data, **facts)
        flags = ("--dep_add_tags.model=mobilenet,int8", f"--dataset_path={folder}", *words)
        return run(*flags, loom=Loom(tmp_path / "home", repo))


@pytest.mark.parametrize(("count", "offset"), [(1000, 0), (1001, 1)])
def test_row_10_mobilenet_onnx_int8_scores_by_the_number_of_its_outputs(tmp_path: Path, count: int, offset: int):
    for scenario in SCENARIOS:
        words = ("--mode=accuracy", f"--scenario={scenario}")
        answer = run_row(tmp_path, *words, made={"count": count, "offset": offset})
        assert_same_figure(answer)
        accuracy = answer.json["results"]["accuracy"]
        assert (accuracy["correct"], accuracy["total"]) == (IMAGES - WRONG, IMAGES)
        assert accuracy["reference"] == 0.709


def test_row_10_mobilenet_onnx_int8_with_another_number_of_outputs_cannot_be_scored(tmp_path: Path):
    answer = run_row(tmp_path, "--mode=accuracy", made={"count": 999, "offset": 0})
    assert answer.code == 2
    assert "the facts of mobilenet do not state which output stands for which class" in answer.err
    assert "1,001 for a background class" in answer.err
    assert "--mode=performance" in answer.err


def test_row_10_mobilenet_onnx_int8_can_be_timed(tmp_path: Path):
    results = run_row(tmp_path, "--mode=performance", "--duration=0.2").ok().json["results"]
    assert results["performance"]["samples_per_second"] > 0
    assert results["accuracy"] is None
    assert results["settings"]["batch_size"] == 1


def test_row_10_mobilenet_onnx_int8_scores_once_its_classes_are_stated(tmp_path: Path):
    accuracy = run_row(tmp_path, "--mode=accuracy", classes=CLASSES).ok().json["results"]["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (IMAGES - WRONG, IMAGES)
    assert accuracy["reference"] == 0.709


def test_row_10_mobilenet_onnx_int8_with_another_offset_is_wrong(tmp_path: Path):
    accuracy = (
        run_row(tmp_path, "--mode=accuracy", classes={"count": 1001, "offset": 0}).ok().json["results"]["accuracy"]
    )
    assert accuracy["correct"] <= WRONG


def test_row_10_is_shown_with_what_is_not_known(tmp_path: Path):
    text = Loom(tmp_path).here("show", f"package:{ALIAS}").ok().out
    assert "unknown; prediction by argmax" in text
    assert "no checksum of the file is published" in text
