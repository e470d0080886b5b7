"""OpenVINO on the embedded networks, against ONNX Runtime on the same files."""

from pathlib import Path
from typing import Any

import pytest

from benchloom.harness.tasks.image_classification import read_predictions
from support.benchmark import record_of, run
from support.heavy import assert_unit_tests_pass, heavy, loom_of, said
from support.repo import Answer, Loom

PROGRAM = "program:image-classification-openvino"
HELD_OUT = 450
INT8 = "--dep_add_tags.model=int8"
SHORT = ("--duration=0.3", "--json", "--quiet")


@pytest.fixture(scope="module")
def loom() -> Loom:
    """Return the command line in the home where the library is; the first run of a program puts it there."""
    return loom_of("openvino")


def predictions(answer: Answer) -> list[int]:
    """Return the labels that a run gave the held-out digits."""
    labels: list[int] = read_predictions(Path(answer.json["directory"]) / "accuracy", HELD_OUT).tolist()
    return labels


def accuracy(answer: Answer) -> dict[str, Any]:
    """Return what a run says of its accuracy."""
    found: dict[str, Any] = answer.json["results"]["accuracy"]
    return found


@heavy
@pytest.mark.timeout(900)
def test_digits_are_read_as_onnxruntime_reads_them_in_every_scenario(loom: Loom):
    expected = run("--mode=accuracy").ok()
    answer = loom("run", PROGRAM, *SHORT, limit=900).ok()
    results = answer.json["results"]
    assert (results["backend"], results["model"]) == ("openvino", expected.json["results"]["model"])
    assert results["performance"]["valid"] is True
    assert {"device": "cpu", "inference_precision": "f32", "streams": 1}.items() <= results["settings"].items()
    assert "onnxruntime" not in results["versions"]
    assert said(answer) == ""
    runs = [answer, loom("run", PROGRAM, "--scenario=Offline", "--instances=2", "--threads=1", *SHORT, limit=300).ok()]
    runs += [
        loom("run", PROGRAM, f"--scenario={scenario}", "--mode=accuracy", *SHORT, limit=300).ok()
        for scenario in ("MultiStream", "Server")
    ]
    for item in runs:
        assert predictions(item) == predictions(expected)
        assert accuracy(item)["correct"] == accuracy(expected)["correct"]
    assert runs[1].json["results"]["settings"]["inference_threads"] == 1
    assert_unit_tests_pass(record_of(answer)["command"][0], "backends/test_openvino.py")


@heavy
@pytest.mark.timeout(900)
def test_digits_in_eight_bits_are_read_within_a_point(loom: Loom):
    words = (INT8, "--scenario=Offline", "--mode=accuracy")
    found = loom("run", PROGRAM, *words, *SHORT, limit=900).ok()
    assert found.json["results"]["precision"] == "int8"
    assert accuracy(found)["top1"] == pytest.approx(accuracy(run(*words).ok())["top1"], abs=0.01)


@heavy
@pytest.mark.timeout(900)
def test_objects_are_found_as_onnxruntime_finds_them(loom: Loom):
    words = ("--mode=accuracy", "--json", "--quiet")
    expected = loom("run", "program:object-detection-onnx", *words, limit=900).ok()
    found = loom("run", "program:object-detection-openvino", *words, limit=900).ok()
    assert found.json["results"]["backend"] == "openvino"
    assert accuracy(found)["values"] == pytest.approx(accuracy(expected)["values"], abs=1e-4)
