"""The embedded default of object detection: scenes of digits, their pre-processing and the detector that ships with the repository."""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchloom.harness.profiles import apply
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from support.recipes import recipe, recipe_of

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ("onnx", "pytorch", "tensorflow", "tflite")
MODELS = tuple(f"model-digit-scenes-{kind}" for kind in FORMATS)
REFS = (
    "dataset:digit-scenes-val",
    *(f"package:{alias}" for alias in MODELS),
    "package:profile-digit-scenes",
    "script:train-digit-scenes-detector",
)
SCENES, DETECTIONS, BATCH = 120, 50, 8
OUTPUTS = ("boxes", "labels", "scores")
# Runs a network by its own library and keeps its three outputs: argument 1 the format, 2 the file, 3 samples, 4 what to write.
RUNNER = """
import sys
import numpy as np

format, file, samples, found = sys.argv[1:]
images = np.load(samples)

def pytorch(batch):
    detect = build().eval()
    detect.load_state_dict(torch.load(file, weights_only=True))
    with torch.inference_mode():
        return [item.numpy() for item in detect(torch.from_numpy(batch))]

def tensorflow(batch):
    graph = tf.Graph()
    with graph.as_default(), open(file, "rb") as stored:
        tf.import_graph_def(tf.compat.v1.GraphDef.FromString(stored.read()), name="")
    with tf.compat.v1.Session(graph=graph) as session:
        return session.run(["boxes:0", "labels:0", "scores:0"], {"input:0": batch.transpose(0, 2, 3, 1)})

def tflite(batch):
    network = Interpreter(file)
    source = network.get_input_details()[0]
    network.resize_tensor_input(source["index"], [len(batch), 300, 300, 3])
    network.allocate_tensors()
    network.set_tensor(source["index"], batch.transpose(0, 2, 3, 1).copy())
    network.invoke()
    outputs = {item["name"]: network.get_tensor(item["index"]) for item in network.get_output_details()}
    return [outputs[name] for name in ("boxes", "labels", "scores")]

if format == "pytorch":
    import torch
    from benchloom.harness.architectures.digit_scenes import build
elif format == "tensorflow":
    import tensorflow as tf
else:
    from ai_edge_litert.interpreter import Interpreter
rows = [globals()[format](images[start : start + 8]) for start in range(0, len(images), 8)]
np.savez(found, *(np.concatenate(values) for values in zip(*rows)))
"""
LIBRARIES = {"pytorch": "torch", "tensorflow": "tensorflow", "tflite": "ai-edge-litert"}
MODULES = {"torch": "torch", "tensorflow-cpu": "tensorflow", "ai-edge-litert": "ai_edge_litert"}

Floats = NDArray[np.float32]
Detections = list[Floats]


@pytest.fixture(scope="module")
def index():
    return load([read_repository(ROOT)], None)


@pytest.fixture(scope="module")
def dataset(index: Index):
    return index.folder(index.get("dataset:digit-scenes-val"))


@pytest.fixture(scope="module")
def document(dataset: Path):
    return json.loads((dataset / "annotations.json").read_text())


@pytest.fixture(scope="module")
def samples(index: Index, dataset: Path, document: dict[str, Any]):
    profile = index.get("package:profile-digit-scenes").profile
    return np.stack([apply(profile, dataset / "images" / image["file_name"]) for image in document["images"]])


@pytest.fixture(scope="module")
def detections(index: Index, samples: Floats):
    return detect(session_of(index), samples)


def session_of(index: Index):
    component = index.get("package:model-digit-scenes-onnx")
    return onnxruntime.InferenceSession(
        str(index.folder(component) / component.result), providers=["CPUExecutionProvider"]
    )


def detect(session: onnxruntime.InferenceSession, samples: Floats, batch: int = BATCH) -> Detections:
    rows = [session.run(OUTPUTS, {"input": samples[start : start + batch]}) for start in range(0, len(samples), batch)]
    return [np.concatenate(values) for values in zip(*rows, strict=True)]


def score(document: dict[str, Any], detections: Detections) -> float:
    """The mAP by pycocotools."""
    found = []
    for image, boxes, labels, scores in zip(document["images"], *detections, strict=True):
        sides = np.array([image["height"], image["width"], image["height"], image["width"]])
        for box, label, certainty in zip(boxes * sides, labels, scores, strict=True):
            top, left, bottom, right = map(float, box)
            row = {"image_id": image["id"], "category_id": int(label), "score": float(certainty)}
            if certainty > 0:
                found.append({**row, "bbox": [left, top, right - left, bottom - top]})
    truth = COCO()
    truth.dataset = json.loads(json.dumps(document))  # it adds to what it is given
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        scoring = COCOeval(truth, truth.loadRes(found), "bbox")
        scoring.evaluate()
        scoring.accumulate()
        scoring.summarize()
    return float(scoring.stats[0])


@pytest.mark.parametrize("ref", REFS)
def test_component_of_digit_scenes_as_shipped_reads_without_findings(index: Index, ref: str):
    component = index.get(ref)
    assert [item for item in index.findings if item.subject == ref] == []
    assert all([component.uid, component.tags, component.summary, component.licence, component.sources])
    assert component.maintainers == ("Benchloom maintainers",)


@pytest.mark.parametrize("alias", MODELS)
def test_detector_states_its_file_and_the_one_profile_and_data_set_that_fit_it(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    (item,) = component.fetch
    data = (index.folder(component) / item.path).read_bytes()
    assert (item.digest, item.size) == (f"sha256:{sha256(data).hexdigest()}", len(data))
    assert item.size <= 1_200_000
    needs = {need.role: index.match(need.query) for need in component.requires}
    (dataset,), profile = needs["dataset"], recipe_of(index, component)
    (source,) = component.model.inputs
    assert (dataset.dataset.task, dataset.dataset.classes) == (component.model.task, component.model.classes.count)
    assert (profile.shape, profile.dtype) == (source.shape[1:], source.dtype)
    assert profile.layout == source.layout
    assert [item.meaning for item in component.model.outputs] == list(OUTPUTS)


@pytest.mark.parametrize("format", FORMATS)
def test_detector_and_scenes_are_the_defaults_of_object_detection(index: Index, format: str):
    assert index.get(f"package:model-digit-scenes-{format}").default_for == (f"model,object-detection,{format}",)
    assert index.get("dataset:digit-scenes-val").default_for == ("dataset,object-detection",)


def test_profiles_of_digit_scenes_differ_in_their_layout_alone(index: Index, dataset: Path):
    first, last = (recipe(index, name) for name in ("profile-digit-scenes", "profile-digit-scenes,_nhwc"))
    assert first.steps[:-1] == last.steps[:-1]
    for path in sorted((dataset / "images").iterdir())[:10]:
        np.testing.assert_array_equal(apply(first, path).transpose(1, 2, 0), apply(last, path))


def test_profile_of_digit_scenes_gives_the_numbers_written_down_a_second_time(
    dataset: Path, document: dict[str, Any], samples: Floats
):
    for image, sample in list(zip(document["images"], samples, strict=True))[:12]:
        colours = cv2.imread(str(dataset / "images" / image["file_name"]), cv2.IMREAD_COLOR)[..., ::-1]
        resized = cv2.resize(np.ascontiguousarray(colours), (300, 300), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(sample, ((resized / 255 - 0.5) / 0.5).transpose(2, 0, 1), atol=1e-6)


def test_annotations_list_every_scene_once_with_the_size_its_file_has(
    index: Index, dataset: Path, document: dict[str, Any]
):
    names = [image["file_name"] for image in document["images"]]
    assert len(names) == index.get("dataset:digit-scenes-val").dataset.count == SCENES
    assert sorted(item.name for item in (dataset / "images").iterdir()) == sorted(set(names)) == names
    assert [image["id"] for image in document["images"]] == list(range(1, SCENES + 1))
    sizes, planes = Counter(), Counter()
    for image in document["images"]:
        pixels = cv2.imread(str(dataset / "images" / image["file_name"]), cv2.IMREAD_UNCHANGED)
        assert pixels.shape[:2] == (image["height"], image["width"])
        sizes[image["width"], image["height"]] += 1
        planes[pixels.ndim] += 1
    assert set(sizes) == {(300, 300), (320, 240), (240, 320)}
    assert planes[2] == 1  # a gray one among colours


def test_annotations_have_boxes_within_their_scene_and_digits_as_categories(document: dict[str, Any]):
    sides = {image["id"]: (image["width"], image["height"]) for image in document["images"]}
    annotations = document["annotations"]
    assert [item["id"] for item in annotations] == list(range(1, len(annotations) + 1))
    assert [(item["id"], item["name"]) for item in document["categories"]] == [(n + 1, str(n)) for n in range(10)]
    for item in annotations:
        x, y, width, height = item["bbox"]
        assert min(x, y) >= 0
        assert min(width, height) >= 4
        assert (x + width <= sides[item["image_id"]][0], y + height <= sides[item["image_id"]][1]) == (True, True)
        assert (item["area"], item["iscrowd"]) == (width * height, 0)
    assert min(Counter(item["category_id"] for item in annotations).values()) >= 40
    assert set(Counter(item["category_id"] for item in annotations)) == set(range(1, 11))


def test_scenes_are_small_and_large_full_and_empty(document: dict[str, Any]):
    areas = [item["area"] for item in document["annotations"]]
    digits = Counter(item["image_id"] for item in document["annotations"])
    assert sum(area < 32**2 for area in areas) >= 50  # small, medium and large as COCO has them
    assert sum(32**2 <= area < 96**2 for area in areas) >= 50
    assert sum(area >= 96**2 for area in areas) >= 50
    assert SCENES - len(digits) >= 3
    assert max(digits.values()) >= 7


def test_data_set_of_scenes_with_its_licence_takes_at_most_1_5_mb(dataset: Path):
    assert sum(item.stat().st_size for item in dataset.rglob("*") if item.is_file()) <= 1_500_000
    licence = (dataset / "LICENSE.txt").read_text()
    assert all(words in licence for words in ("E. Alpaydin", "C. Kaynak", "10.24432/C50P49", "CC BY 4.0"))


def test_every_digit_of_the_scenes_is_a_held_out_one_and_can_be_seen_in_its_box(
    index: Index, dataset: Path, document: dict[str, Any]
):
    digits = index.folder(index.get("dataset:digits-val"))
    lines = (digits / "val_map.txt").read_text().splitlines()
    alike = []
    for item in document["annotations"]:
        name, label = lines[item["digit"] - 1].split(" ")
        assert int(label) == item["category_id"] - 1
        drawn = cv2.imread(str(digits / "images" / name), cv2.IMREAD_GRAYSCALE)
        scene = cv2.imread(str(dataset / "images" / document["images"][item["image_id"] - 1]["file_name"]))
        x, y, width, height = item["bbox"]
        alike.append(likeness(drawn, scene[y : y + height, x : x + width]))
    assert np.median(alike) > 0.85
    assert np.mean(np.array(alike) > 0.5) > 0.9  # the rest: little contrast, or hidden in part


def likeness(digit: NDArray[np.uint8], box: NDArray[np.uint8]) -> float:
    """How well the colours of ``box`` tell the strokes of ``digit``: the multiple correlation, 0 to 1."""
    ink = cv2.resize(digit, (80, 80), interpolation=cv2.INTER_CUBIC)
    x, y, width, height = cv2.boundingRect((ink > 160).astype(np.uint8))
    strokes = cv2.resize(ink[y : y + height, x : x + width], (16, 16), interpolation=cv2.INTER_AREA).reshape(-1)
    colours = cv2.resize(box, (16, 16), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(float)
    known = np.column_stack([colours, np.ones(len(colours))])
    fit = known @ np.linalg.lstsq(known, strokes.astype(float), rcond=None)[0]
    return float(np.corrcoef(fit, strokes)[0, 1])


def test_scenes_composed_again_are_those_that_ship(
    index: Index, dataset: Path, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("sklearn", reason="scikit-learn, which holds the digits, is not installed")
    monkeypatch.syspath_prepend(str(index.folder(index.get("script:train-digits-network"))))
    scenes = imported(index.folder(index.get("script:train-digit-scenes-detector")) / "scenes.py", monkeypatch)
    scenes.write_folder(scenes.held_out_scenes(), tmp_path)
    assert json.loads((tmp_path / "annotations.json").read_text()) == document
    for image in document["images"]:
        made, shipped = (
            cv2.imread(str(folder / "images" / image["file_name"])).astype(int) for folder in (tmp_path, dataset)
        )
        assert np.abs(made - shipped).mean() < 1


def test_onnx_detector_has_the_stated_tensors(index: Index):
    component = index.get("package:model-digit-scenes-onnx")
    session = session_of(index)
    for stated, found in (
        (component.model.inputs, session.get_inputs()),
        (component.model.outputs, session.get_outputs()),
    ):
        assert [(item.name, list(item.shape)) for item in stated] == [(item.name, item.shape) for item in found]
        assert {item.type for item in found} == {"tensor(float)"}


def test_onnx_detector_over_all_scenes_reaches_its_reference(
    index: Index, document: dict[str, Any], detections: Detections
):
    reference = index.get("package:model-digit-scenes-onnx").model.reference
    reached = score(document, detections)
    assert reference.metric == "mAP"
    assert reached >= 0.5
    assert reached == pytest.approx(reference.value, abs=0.003)


def test_detections_are_sorted_padded_and_within_the_scene(detections: Detections):
    boxes, labels, scores = detections
    assert (boxes.shape, labels.shape, scores.shape) == (
        (SCENES, DETECTIONS, 4),
        (SCENES, DETECTIONS),
        (SCENES, DETECTIONS),
    )
    assert (np.diff(scores, axis=1) <= 0).all()
    shown = scores > 0
    assert set(labels[shown].tolist()) <= {float(number) for number in range(1, 11)}
    assert (labels[~shown] == 0).all()
    assert (boxes[~shown] == 0).all()
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[shown][:, 2:] > boxes[shown][:, :2]).all()


def test_no_two_detections_of_a_class_overlap_by_more_than_a_half(detections: Detections):
    for boxes, labels, scores in zip(*detections, strict=True):
        shown = scores > 0
        corners = boxes[shown].astype(float)
        sides = np.minimum(corners[:, None, 2:], corners[None, :, 2:]) - np.maximum(
            corners[:, None, :2], corners[None, :, :2]
        )
        shared = np.clip(sides, 0, None).prod(2)
        areas = (corners[:, 2:] - corners[:, :2]).prod(1)
        overlaps = shared / (areas[:, None] + areas[None, :] - shared)
        alike = np.triu(labels[shown][:, None] == labels[shown][None, :], 1)
        assert (overlaps[alike] <= 0.5 + 1e-5).all()


def test_onnx_detector_one_by_one_finds_what_it_finds_in_a_batch(index: Index, samples: Floats, detections: Detections):
    alone = detect(session_of(index), samples[:24], batch=1)
    assert_same_detections(alone, [values[:24] for values in detections])


@pytest.mark.skipif(not os.environ.get("LOOM_TEST_HEAVY"), reason="LOOM_TEST_HEAVY=1 runs the large backends")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("format", FORMATS[1:])
def test_detector_in_another_format_finds_what_the_onnx_one_finds(
    index: Index, document: dict[str, Any], samples: Floats, detections: Detections, format: str, tmp_path: Path
):
    library = index.get(f"package:lib-python-{LIBRARIES[format]}")
    python = python_with(library.install.pip, library.versions[0].version, tmp_path / "environment")
    component = index.get(f"package:model-digit-scenes-{format}")
    np.save(tmp_path / "samples.npy", samples)
    files = [index.folder(component) / component.result, tmp_path / "samples.npy", tmp_path / "found.npz"]
    subprocess.run(
        [python, "-c", RUNNER, format, *map(str, files)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    with np.load(tmp_path / "found.npz") as stored:
        found = list(stored.values())
    shutil.rmtree(tmp_path)  # up to gigabytes
    assert_same_detections(found, detections)
    assert score(document, found) == pytest.approx(component.model.reference.value, abs=0.003)


def assert_same_detections(found: Detections, wanted: Detections) -> None:
    """Each clear row of the one stands among the other's: rounding may order equals anew, or decide an overlap of just a half."""
    rows = [
        (clear, values)
        for pair in zip(zip(*found, strict=True), zip(*wanted, strict=True), strict=True)
        for clear, values in (pair, pair[::-1])
    ]
    known = [is_among(box, others) for one, others in rows for box in zip(*one, strict=True) if box[2] > 0.05]
    assert len(known) > 100
    assert np.mean(known) > 0.99


def is_among(row: Any, others: Any) -> bool:
    box, label, certainty = row
    boxes, labels, scores = others
    near = (labels == label) & (abs(scores - certainty) < 1e-3) & (abs(boxes - box).max(1) < 1e-3)
    return bool(near.any())


def python_with(library: str, version: str, folder: Path) -> str:
    """The running interpreter where it has ``library``, else one that pip makes."""
    if importlib.util.find_spec(MODULES[library]):
        return sys.executable
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    wanted = [f"{library}=={version}", "numpy"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-cache-dir", *wanted], check=True)
    return python


def imported(file: Path, monkeypatch: pytest.MonkeyPatch):
    spec = importlib.util.spec_from_file_location(f"digit_scenes_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module
