"""Object detection on the embedded scenes of digits: real mAP from LoadGen's accuracy log, and what changes it."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import pytest

from benchloom.harness.detection import mean_average_precision, read_detections
from support.heavy import heavy, loom_of
from support.repo import SOURCE, Answer, Loom, Repo

ROOT = SOURCE.parent
PROGRAM = "program:object-detection-onnx"
DATASET = ROOT / "dataset" / "digit-scenes-val"
MODEL = ROOT / "package" / "model-digit-scenes-onnx"
META: dict[str, Any] = json.loads((MODEL / ".cm" / "meta.json").read_text())
TOTAL = len(json.loads((DATASET / "annotations.json").read_text())["images"])
SHORT = ("--mode=accuracy", "--json", "--quiet")


def accuracy(answer: Answer) -> Any:
    return answer.ok().json["results"]["accuracy"]


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    return Loom(tmp_path_factory.mktemp("detection"))


@pytest.fixture(scope="module")
def run(loom: Loom) -> Answer:
    return loom("run", PROGRAM, "--duration=0.5", "--json", "--quiet").ok()


def test_detection_measures_what_the_component_states(run: Answer):
    results = run.json["results"]
    found = results["accuracy"]
    assert (found["metric"], found["total"]) == ("mAP", TOTAL)
    assert found["mean_average_precision"] == pytest.approx(META["model"]["reference"]["value"], abs=0.005)
    assert found["mean_average_precision"] >= 0.5
    assert found.get("official_command", []) == []
    assert "this one has none" in found["official_problem"]
    assert results["performance"]["samples_per_second"] > 0
    assert results["task"] == "object-detection"


def test_detection_draws_the_first_images_with_their_boxes(run: Answer):
    pictures = sorted((Path(run.json["directory"]) / "pictures").glob("*.png"))
    assert len(pictures) == 8
    original = cv2.imread(str(DATASET / "images" / f"{pictures[1].stem}.jpg"))
    drawn = cv2.imread(str(pictures[1]))
    assert drawn.shape == original.shape
    assert (drawn != original).any()


def test_accuracy_log_alone_gives_the_same_figure(run: Answer):
    ids = [item["id"] for item in json.loads((DATASET / "annotations.json").read_text())["images"]]
    folder = Path(run.json["directory"]) / "accuracy"
    again = mean_average_precision(read_detections(folder, ids), ids, DATASET / "annotations.json")
    assert again == run.json["results"]["accuracy"]["mean_average_precision"]


@pytest.mark.parametrize("scenario", ["Offline", "MultiStream"])
def test_every_scenario_and_batch_gives_the_same_figure(loom: Loom, run: Answer, scenario: str):
    found = accuracy(loom("run", PROGRAM, f"--scenario={scenario}", "--batch_size=16", *SHORT))
    expected = run.json["results"]["accuracy"]["mean_average_precision"]
    assert found["mean_average_precision"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "facts", [{"order": "xyxy"}, {"order": "yxyx", "scale": 0.5}, {"order": "yxyx", "threshold": 0.9}], ids=str
)
def test_other_facts_give_another_figure(tmp_path: Path, run: Answer, facts: dict[str, Any]):
    repo = Repo(tmp_path / "repo")
    meta = {key: value for key, value in META.items() if key not in {"tags", "default_for", "model"}}
    folder = repo.entry(
        "package",
        "model-changed",
        "model,object-detection,onnx,changed",
        **meta,
        model={**META["model"], "detections": facts},
    )
    shutil.copy(MODEL / META["fetch"][0]["path"], folder)
    changed = Loom(tmp_path / "home", repo)("run", PROGRAM, "--dep_add_tags.model=changed", *SHORT)
    expected = run.json["results"]["accuracy"]["mean_average_precision"]
    assert accuracy(changed)["mean_average_precision"] < expected - 0.05


def test_compare_shows_the_figure(loom: Loom, run: Answer):
    found = loom.here("compare", run.json["record"], "--json").ok().json["runs"][0]
    assert found["accuracy"] == run.json["results"]["accuracy"]["mean_average_precision"]
    text = loom.here("record", "show", run.json["record"]).ok().out
    assert f"% mAP over {TOTAL} images" in text


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
def test_other_backends_give_the_same_figure(run: Answer, backend: str):
    found = accuracy(loom_of(backend)("run", f"program:object-detection-{backend}", *SHORT, limit=900))
    expected = run.json["results"]["accuracy"]["mean_average_precision"]
    assert found["mean_average_precision"] == pytest.approx(expected, abs=0.005)
