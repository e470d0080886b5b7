"""Every backend on the embedded digits network, in floats and in eight bits.

The libraries come from the package index as the plan asks for them, into an environment that pip makes. Those that take up to
gigabytes run where LOOM_TEST_HEAVY is set; each is installed once for all tests.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.benchmark import record_of, run
from support.heavy import assert_unit_tests_pass, heavy, loom_of, said
from support.repo import Answer, Loom, Repo

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT = 450
INT8 = "--dep_add_tags.model=int8"
# Whichever form the network has, it reads as many of the held-out digits as the state dict that it was made from.
REFERENCE = json.loads((ROOT / "package/model-digits-pytorch/.cm/meta.json").read_text())["model"]["reference"]["value"]
SETTINGS = {
    "pytorch": {"device": "cpu"},
    "tensorflow": {"device": "cpu", "inter_op_threads": 1},
    "tflite": {"device": "cpu", "input_dtype": "float32"},
}


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["pytorch", "tensorflow", "tflite"])
def test_backend_reads_the_digits_in_every_form_and_passes_its_own_tests_where_its_plan_put_it(
    backend: str,
):
    loom = loom_of(backend)
    forms = ("--record_tags=forms", "--duration=0.3", "--json", "--quiet")
    words = ("run", f"program:image-classification-{backend}", *forms)
    answer = loom(*words, limit=900).ok()
    results = answer.json["results"]
    assert_reads_digits(results, precision="fp32", model=answer)
    assert results["backend"] == backend
    assert results["performance"]["valid"] is True
    assert SETTINGS[backend].items() <= results["settings"].items()
    assert "onnxruntime" not in results["versions"]
    offline = loom(*words, "--scenario=Offline", "--batch_size=16", limit=300).ok().json["results"]
    assert offline["accuracy"]["correct"] == results["accuracy"]["correct"]
    assert said(answer) == ""
    if backend != "tensorflow":
        int8 = loom(*words, "--scenario=Offline", INT8, limit=300).ok()
        assert_reads_digits(int8.json["results"], precision="int8", model=int8)
        assert said(int8) == ""
    assert_forms_agree(loom, 2 if backend == "tensorflow" else 3)
    files = ["model_files/test_torch_files.py"] if backend == "pytorch" else []
    assert_unit_tests_pass(record_of(answer)["command"][0], f"backends/test_{backend}.py", *files)


def test_onnxruntime_reads_the_digits_in_eight_bits():
    answer = run(INT8, "--scenario=Offline", "--duration=0.3").ok()
    assert_reads_digits(answer.json["results"], precision="int8", model=answer)
    assert said(answer) == ""


@pytest.mark.parametrize("format", ["onnx", "pytorch", "tensorflow", "tflite"])
def test_model_of_a_program_is_in_floats_unless_eight_bits_are_asked_for(tmp_path: Path, format: str):
    loom = Loom(tmp_path / "home")
    plan = loom.here("plan", f"program:image-classification-{format}", "--json").ok()
    assert plan.node("model")["candidate"]["component"] == f"package:model-digits-{format}"


def test_wrong_class_offset_shows_in_the_score(tmp_path: Path):
    answer = run_changed(tmp_path, classes={"count": 10, "offset": 1}).ok()
    assert answer.json["results"]["accuracy"]["top1"] < 0.1


def test_model_stated_in_the_layout_that_its_file_has_not_is_refused(tmp_path: Path):
    source = {"name": "input", "shape": ["N", 32, 32, 1], "dtype": "float32", "layout": "NHWC"}
    answer = run_changed(tmp_path, "profile,digits,nhwc", inputs=[source])
    assert answer.code == 2
    assert "the model's input 'input' is [-1, 1, 32, 32], its facts state ['N', 32, 32, 1]" in answer.err


def test_profile_of_another_layout_than_the_models_is_refused(tmp_path: Path):
    answer = run_changed(tmp_path, "profile,digits,nhwc")
    assert answer.code == 3
    assert "it gives NHWC, not NCHW" in answer.err


def assert_reads_digits(results: dict[str, Any], *, precision: str, model: Answer) -> None:
    (component,) = [ref for ref in record_of(model)["inputs"] if ref.startswith("package:model-")]
    facts = json.loads((ROOT / component.partition("@")[0].replace(":", "/") / ".cm/meta.json").read_text())["model"]
    assert facts["precision"] == precision
    assert results["accuracy"]["total"] == HELD_OUT
    # Sums in eight bits round by processor: one point is the most that they may lose.
    allowed = 1e-6 if precision == "fp32" else 0.01
    assert results["accuracy"]["top1"] == pytest.approx(REFERENCE, abs=allowed)
    assert results["accuracy"]["reference"] == pytest.approx(results["accuracy"]["top1"], abs=allowed)


def assert_forms_agree(loom: Loom, count: int) -> None:
    """Compare this backend's forms with the ONNX ones: in floats they decide alike, in eight bits within a point."""
    onnx = [run(*words).ok().json["record"] for words in (("--mode=accuracy",), ("--mode=accuracy", INT8))]
    found = loom("compare", *onnx, "--tags=forms", "--json").ok().json["runs"]
    assert len(found) == count + 2
    floats = {item["accuracy"] for item in found if item["precision"] == "fp32"}
    assert len(floats) == 1, found
    assert all(abs(item["accuracy"] - min(floats)) <= 0.01 for item in found), found
    assert {item["precision"] for item in found} == {"fp32", "int8"}


def run_changed(tmp_path: Path, profile: str = "profile,digits,nchw", **facts: Any) -> Answer:
    """Run the main job on the ONNX digits network with other facts."""
    meta = json.loads((ROOT / "package/model-digits-onnx/.cm/meta.json").read_text())
    del meta["tags"], meta["default_for"]
    meta["model"].update(facts)
    meta["needs"]["profile"]["tags"] = profile
    repo = Repo(tmp_path / "repo")
    folder = repo.entry("package", "model-changed", "model,image-classification,onnx,changed", **meta)
    shutil.copy(ROOT / "package/model-digits-onnx/digits.onnx", folder)
    return run("--dep_add_tags.model=changed", "--mode=accuracy", loom=Loom(tmp_path / "home", repo))
