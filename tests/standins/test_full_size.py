"""Networks of the real size with random weights load as the rows' components state them, and predict for every class."""

import json
import os
import subprocess
from pathlib import Path

import onnx
import pytest

from benchloom.harness.random_weights.resnet50_onnx import resnet50
from support.full_size import mobilenet
from support.heavy import TESTS, heavy, python_of, standin
from support.repo import SOURCE
from support.standin import ROOT
from support.standins.check import check

MILLION = 1_000_000


def meta(alias: str) -> Path:
    return ROOT / "package" / alias / ".cm" / "meta.json"


@pytest.mark.parametrize("opset", [8, 11])
def test_onnx_resnet50_of_full_size_predicts_an_index_for_each_sample(tmp_path: Path, opset: int):
    made = resnet50(opset)
    assert 25.5 * MILLION < weights_of(made) < 25.7 * MILLION
    onnx.save(made, tmp_path / "model.onnx")
    shape, finite, _ = check("onnxruntime", meta(f"model-resnet50-onnx-opset{opset}"), str(tmp_path / "model.onnx"), 2)
    assert (shape, finite) == ([2], True)


@pytest.mark.parametrize("opset", [8, 11])
def test_onnx_mobilenet_of_full_size_predicts_a_score_for_each_class(tmp_path: Path, opset: int):
    made = mobilenet(opset)
    assert 4.2 * MILLION < weights_of(made) < 4.3 * MILLION
    onnx.save(made, tmp_path / "model.onnx")
    found = check("onnxruntime", meta(f"model-mobilenet-onnx-opset{opset}"), str(tmp_path / "model.onnx"), 2)
    assert found == ([2, 1001], True, True)


def weights_of(made: onnx.ModelProto) -> int:
    return sum(int(onnx.numpy_helper.to_array(item).size) for item in made.graph.initializer)


def test_random_weights_are_the_same_in_every_build():
    first, second = (resnet50().SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("backend", "alias", "what", "batch", "classes"),
    [
        ("tensorflow", "model-mobilenet-tensorflow", "full-mobilenet", 2, 1001),
        ("tflite", "model-mobilenet-tflite", "full-tflite", 1, 1001),
        ("tflite", "model-mobilenet-tflite-int8", "full-tflite-int8", 1, 1001),
        ("pytorch", "model-resnet50-pytorch", "full-state-dict", 2, 1000),
        ("pytorch", "model-resnet50-pytorch-int8", "full-torchscript-int8", 1, 1000),
    ],
)
def test_network_of_full_size_predicts_a_score_for_each_class(
    backend: str, alias: str, what: str, batch: int, classes: int
):
    done = subprocess.run(
        [python_of(backend), "-m", "support.standins.check", backend, str(meta(alias)), str(standin(what)), str(batch)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(TESTS)])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[batch, classes], True, True]
