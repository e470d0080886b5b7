"""Rows of the v1.0 model table for TensorFlow, TFLite and PyTorch, from an empty store to a score known in advance.

Each test serves a stand-in in the container of the original, names its digest, and runs the row's own component over it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.heavy import heavy, loom_with, standin
from support.official import SCENARIOS, assert_same_figure
from support.repo import Answer, Repo
from support.server import FileServer
from support.standin import imagenet_folder, meta_of, overlay, tgz

IMAGES, WRONG = 20, 4
pytestmark = [heavy, pytest.mark.timeout(900)]  # the first test of a backend installs it


def one(what: str) -> Callable[[], bytes]:
    return lambda: standin(what).read_bytes()


def floats() -> bytes:
    """The archive of rows 5 and 7."""
    return tgz(
        {
            "./mobilenet_v1_1.0_224.tflite": standin("planted-tflite").read_bytes(),
            "./mobilenet_v1_1.0_224.ckpt.data-00000-of-00001": b"weights of training",
            "./mobilenet_v1_1.0_224_frozen.pb": standin("planted-mobilenet").read_bytes(),
        }
    )


def eight_bits() -> bytes:
    """The archive of rows 6 and 8."""
    return tgz(
        {
            "./mobilenet_v1_1.0_224_quant.tflite": standin("planted-tflite-int8").read_bytes(),
            "./mobilenet_v1_1.0_224_quant_frozen.pb": standin("planted-mobilenet-int8").read_bytes(),
        }
    )


@dataclass(frozen=True)
class Row:
    alias: str
    backend: str
    tags: str
    data: Callable[[], bytes]


ROWS = {
    1: Row("model-resnet50-tensorflow", "tensorflow", "resnet50", one("planted-resnet50")),
    3: Row("model-resnet50-pytorch", "pytorch", "resnet50", one("planted-state-dict")),
    4: Row("model-resnet50-pytorch-int8", "pytorch", "resnet50,int8", one("planted-torchscript-int8")),
    5: Row("model-mobilenet-tensorflow", "tensorflow", "mobilenet", floats),
    6: Row("model-mobilenet-tensorflow-int8", "tensorflow", "mobilenet,int8", eight_bits),
    7: Row("model-mobilenet-tflite", "tflite", "mobilenet", floats),
    8: Row("model-mobilenet-tflite-int8", "tflite", "mobilenet,int8", eight_bits),
}


def run_row(tmp_path: Path, number: int, *words: str, profile: str = "", **facts: Any) -> Answer:
    """Run the row; ``profile`` and ``facts`` change what its component states, never its file."""
    row = ROWS[number]
    data, served = row.data(), tmp_path / "served"
    served.mkdir(exist_ok=True)
    (served / "model").write_bytes(data)
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=WRONG)
    repo = Repo(tmp_path / "repo")
    with FileServer(served) as server:
        overlay(repo, row.alias, server.url("model"), data, profile=profile, **facts)
        # One thread: tests run side by side, and the waiting threads of one would take the cores from the other.
        flags = (
            f"--dep_add_tags.model={row.tags}",
            f"--dataset_path={folder}",
            "--mode=accuracy",
            "--threads=1",
            *words,
        )
        program = f"program:image-classification-{row.backend}"
        return loom_with(row.backend, tmp_path / "home", repo)("run", program, "--json", "--quiet", *flags)


def assert_row(tmp_path: Path, number: int, *words: str, images: int = IMAGES) -> None:
    """Run the row in every scenario: it scores what was planted, and what the official script gives."""
    row, stated = ROWS[number], meta_of(ROWS[number].alias)["model"]
    for scenario in SCENARIOS:
        answer = run_row(tmp_path, number, f"--scenario={scenario}", *words)
        assert_same_figure(answer)
        results = answer.json["results"]
        assert (results["accuracy"]["correct"], results["accuracy"]["total"]) == (images - WRONG, images)
        assert results["accuracy"]["reference"] == stated["reference"]["value"]
        assert (results["model"], results["backend"]) == (stated["name"], row.backend)
        assert (Path(answer.json["directory"]) / "stderr.txt").read_text() == ""


def test_row_1_resnet50_tensorflow_fp32_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, 1, "--batch_size=4")


def test_row_3_resnet50_pytorch_fp32_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, 3, "--batch_size=2", "--count=8", images=8)


def test_row_4_resnet50_pytorch_int8_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, 4)


def test_row_5_mobilenet_tensorflow_fp32_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, 5, "--batch_size=4")


def test_row_6_mobilenet_tensorflow_int8_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, 6)


def test_row_7_mobilenet_tflite_fp32_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, 7)


def test_row_8_mobilenet_tflite_int8_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, 8)


@pytest.mark.parametrize("number", [1, 3, 4, 6, 7, 8])
def test_row_with_another_class_offset_is_wrong(tmp_path: Path, number: int):
    classes = meta_of(ROWS[number].alias)["model"]["classes"]
    swapped = {**classes, "offset": 1 - classes["offset"]}
    accuracy = (
        run_row(tmp_path, number, "--batch_size=1", "--count=8", classes=swapped).ok().json["results"]["accuracy"]
    )
    # Only the labels that were wrong on purpose may fit now.
    assert accuracy["correct"] <= WRONG


NCHW, NHWC = ["N", 3, 224, 224], ["N", 224, 224, 3]


@pytest.mark.parametrize(
    ("number", "shape", "profile", "told"),
    [
        (1, NCHW, "profile,imagenet,nchw", "is [-1, 224, 224, 3], its facts state ['N', 3, 224, 224]"),
        (7, NCHW, "profile,imagenet-mobilenet,nchw", "is [1, 224, 224, 3], its facts state ['N', 3, 224, 224]"),
        (3, NHWC, "profile,imagenet,nhwc", "the model does not run on samples of float32"),
        (4, NHWC, "profile,imagenet,nhwc", "the model does not run on samples of float32"),
        (5, NHWC, "profile,imagenet-mobilenet,nchw", "samples of shape (3, 224, 224) do not match the model's input"),
    ],
)
def test_row_with_another_layout_is_refused(tmp_path: Path, number: int, shape: list[Any], profile: str, told: str):
    (stated,) = meta_of(ROWS[number].alias)["model"]["inputs"]
    inputs = [
        {**stated, "shape": shape, "layout": profile[-4:].upper()}
    ]  # that of the samples, else the plan is refused
    assert_refused(run_row(tmp_path, number, profile=profile, inputs=inputs), told)


@pytest.mark.parametrize(
    ("number", "prediction", "told"),
    [
        (1, "argmax", "its facts state 1001 classes"),
        (3, "index", "prediction 'index' requires one"),
        (5, "index", "prediction 'index' requires one"),
        (8, "index", "prediction 'index' requires one"),
    ],
)
def test_row_with_the_other_kind_of_prediction_is_refused(tmp_path: Path, number: int, prediction: str, told: str):
    assert_refused(run_row(tmp_path, number, prediction=prediction), told)


@pytest.mark.parametrize(
    ("number", "dtype", "profile", "told"),
    [
        (5, "uint8", "profile,imagenet-universal,nhwc", "takes float32, its facts state uint8"),
        (7, "uint8", "profile,imagenet-universal,nhwc", "takes float32, its facts state uint8"),
        (8, "int8", "", "it gives uint8, not int8"),
        (8, "float32", "", "it gives uint8, not float32"),
        (3, "uint8", "", "it gives float32, not uint8"),
    ],
)
def test_row_with_another_type_is_refused(tmp_path: Path, number: int, dtype: str, profile: str, told: str):
    (stated,) = meta_of(ROWS[number].alias)["model"]["inputs"]
    answer = run_row(tmp_path, number, profile=profile, inputs=[{**stated, "dtype": dtype}])
    assert_refused(answer, told, code=2 if profile else 3)  # the row's own recipe gives another type: no plan


def assert_refused(answer: Answer, told: str, code: int = 2) -> None:
    assert answer.code == code, answer.out
    assert told in answer.err
    assert "Traceback" not in answer.err
