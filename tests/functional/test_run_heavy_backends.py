"""Backends whose libraries are large: one run each, in an environment that pip makes, where LOOM_TEST_HEAVY is set.

The libraries come from the package index as the plan asks for them, so on some machines this takes gigabytes.
"""

import json
import os
from pathlib import Path

import pytest

from support.repo import Loom

heavy = pytest.mark.skipif(not os.environ.get("LOOM_TEST_HEAVY"), reason="LOOM_TEST_HEAVY=1 runs the large backends")


@heavy
@pytest.mark.timeout(900)
def test_run_pytorch_on_the_embedded_default_equals_the_onnx_form(tmp_path: Path):
    loom = Loom(tmp_path / "home")
    words = ("run", "program:image-classification-pytorch", "--duration=0.3", "--json", "--quiet")
    results = loom(*words, limit=900).ok().json["results"]
    onnx = json.loads((Path(__file__).parents[2] / "package/model-digits-onnx/.cm/meta.json").read_text())
    assert results["backend"] == "pytorch"
    assert results["accuracy"]["total"] == 450
    assert results["accuracy"]["top1"] == pytest.approx(onnx["model"]["reference"]["value"], abs=1e-6)
    assert results["performance"]["valid"] is True
    assert results["settings"]["device"] == "cpu"
    assert "onnxruntime" not in results["versions"]
    offline = loom(*words, "--scenario=Offline", "--batch_size=16", limit=300).ok().json["results"]
    assert offline["accuracy"]["correct"] == results["accuracy"]["correct"]
