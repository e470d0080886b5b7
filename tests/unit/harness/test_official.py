"""MLPerf's command for a log follows from the samples that were run, and says where it would pair them otherwise."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchloom.harness.detection import in_categories, mean_average_precision, read_detections
from benchloom.harness.inputs import Inputs
from benchloom.harness.official import official_scoring
from benchloom.model.facts import Backend, Detections, Model
from support.official import figure

CATEGORIES = (3, 7, 90)
WITHOUT = 35  # the image in which nothing is annotated
IMAGES = (70, 42, WITHOUT, 9, 600_001)


def model(labels: str = "") -> Model:
    detections = Detections(order="yxyx", labels=labels) if labels else None  # type: ignore[arg-type]
    task = "object-detection" if labels else "image-classification"
    return Model(name="m", task=task, format="onnx", precision="fp32", inputs=(), outputs=(), detections=detections)  # type: ignore[arg-type]


def inputs(made: Model, ran: Sequence[int], root: Path, file: Path) -> Inputs:
    samples = np.zeros((len(ran), 1), np.float32)
    return Inputs(
        made,
        "",
        Backend(name="x"),
        "d",
        samples,
        np.array(ran, np.int64),
        categories=CATEGORIES,
        annotations=file,
        root=root,
    )


def coco(root: Path, images: Sequence[int] = IMAGES) -> Path:
    path = root / "annotations" / "instances_val2017.json"
    path.parent.mkdir()
    objects = [
        {
            "id": number,
            "image_id": image,
            "category_id": CATEGORIES[number % 3],
            "bbox": [10, 20, 30, 40],
            "area": 1200,
            "iscrowd": 0,
        }
        for number, image in enumerate(images, 1)
        if image != WITHOUT
    ]
    found = {
        "images": [{"id": image, "file_name": f"{image}.jpg", "width": 100, "height": 200} for image in images],
        "annotations": objects,
        "categories": [{"id": number, "name": f"c{number}"} for number in CATEGORIES],
    }
    path.write_text(json.dumps(found))
    return path


@pytest.mark.parametrize(
    ("labels", "ran", "options"),
    [
        ("category", IMAGES, []),
        ("index", IMAGES, ["--use-inv-map"]),
        ("index", IMAGES[:2], ["--use-inv-map"]),  # nothing was left out of the first two
        ("category", [image for image in IMAGES if image != WITHOUT], ["--remove-48-empty-images"]),
        ("index", [image for image in IMAGES if image != WITHOUT], ["--use-inv-map", "--remove-48-empty-images"]),
    ],
)
def test_options_follow_from_labels_and_samples(tmp_path: Path, labels: str, ran: list[int], options: list[str]):
    found = official_scoring(inputs(model(labels), ran, tmp_path, coco(tmp_path)), Path("accuracy"))
    script, *words = found.command
    assert script == "accuracy-coco.py"
    assert words == [
        "--mlperf-accuracy-file",
        "accuracy/mlperf_log_accuracy.json",
        "--coco-dir",
        str(tmp_path),
        *options,
    ]


@pytest.mark.parametrize("missing", [IMAGES[:1], (IMAGES[0], WITHOUT)])
def test_images_that_are_left_out_for_another_reason_are_a_problem(tmp_path: Path, missing: tuple[int, ...]):
    ran = [image for image in IMAGES if image not in missing]
    found = official_scoring(inputs(model("category"), ran, tmp_path, coco(tmp_path)), Path())
    assert found.problem.startswith("the script compares ")
    assert ("--remove-48-empty-images" in found.command) == (WITHOUT in missing)


def test_scripts_order_of_images_with_objects_is_held_against_the_order_that_was_run(tmp_path: Path):
    path, in_order = coco(tmp_path), [image for image in IMAGES if image != WITHOUT]
    as_a_set = list(set(in_order))
    assert as_a_set != in_order
    same = official_scoring(inputs(model("index"), as_a_set, tmp_path, path), Path())
    other = official_scoring(inputs(model("index"), in_order, tmp_path, path), Path())
    assert same.problem == ""
    count = sum(one != another for one, another in zip(as_a_set, in_order, strict=True))
    assert other.problem == f"the script compares {count} of 4 samples with the objects of another image"


def test_script_that_pairs_samples_otherwise_gives_another_figure(tmp_path: Path):
    """What the problem says is so: every box lies where it should by the order of the run."""
    in_order = [397133, 37777, 252219, 87038, 174482, 403385, 6818]
    path = coco(tmp_path, in_order)
    (tmp_path / "accuracy").mkdir()
    log = [
        {
            "qsl_idx": index,
            "data": np.array([index, 0.1, 0.1, 0.3, 0.4, 0.9, 1 + (index + 1) % 3], np.float32).tobytes().hex(),
        }
        for index in range(len(in_order))
    ]
    (tmp_path / "accuracy" / "mlperf_log_accuracy.json").write_text(json.dumps(log))
    whole = official_scoring(inputs(model("index"), in_order, tmp_path, path), Path("accuracy"))
    assert whole.problem == ""
    assert figure(whole.command, tmp_path) == pytest.approx(1.0)
    assert figure([*whole.command, "--remove-48-empty-images"], tmp_path) < 0.9


def test_objects_without_the_keys_that_the_script_needs_are_a_problem(tmp_path: Path):
    path = coco(tmp_path)
    content = json.loads(path.read_text())
    del content["annotations"][1]["iscrowd"]
    path.write_text(json.dumps(content))
    assert "iscrowd and area" in official_scoring(inputs(model("category"), IMAGES, tmp_path, path), Path()).problem


def test_data_set_that_the_script_cannot_read_has_no_command(tmp_path: Path):
    path = coco(tmp_path).rename(tmp_path / "annotations.json")
    found = official_scoring(inputs(model("index"), IMAGES, tmp_path, path), Path())
    assert (found.command, "reads annotations/instances_val2017.json" in found.problem) == ((), True)
    found = official_scoring(inputs(model(), [1], tmp_path, tmp_path), Path())
    assert (found.command, "reads labels from a file" in found.problem) == ((), True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a.jpg 3\nb.jpg\t5\n", ""),
        ("\ufeffa.jpg 3\nb.jpg 5", ""),
        ("a.jpg 3\n\nb.jpg 5\n", "the script cannot read every line of the label file"),
        ("a.jpg 3\nb c.jpg 5\n", "the script cannot read every line of the label file"),
        ("a.jpg 3\nb 7 c.jpg 5\n", "the script reads a different label for 1 of 2 samples"),
    ],
)
def test_label_file_is_read_as_the_script_reads_it(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "val_map.txt"
    path.write_text(text, encoding="utf-8")
    found = official_scoring(inputs(model(), [3, 5], tmp_path, path), Path("accuracy"))
    assert found.command[-4:] == ("--imagenet-val-file", str(path), "--dtype", "float32")
    assert found.problem.startswith(problem)
    assert bool(found.problem) == bool(problem)


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_labels_of_each_type_are_scored(tmp_path: Path, dtype: str):
    (tmp_path / "val_map.txt").write_text("a.jpg 3\nb.jpg 5\nc.jpg 999\n")
    log = [
        {"qsl_idx": place, "data": np.array([label], dtype).tobytes().hex()} for place, label in enumerate((3, 4, 999))
    ]
    (tmp_path / "mlperf_log_accuracy.json").write_text(json.dumps([*log, {**log[1], "data": log[0]["data"]}]))
    command = official_scoring(inputs(model(), [3, 5, 999], tmp_path, tmp_path / "val_map.txt"), Path()).command
    assert figure([*command[:-1], dtype], tmp_path) == pytest.approx(2 / 3)


def detected(
    images: list[dict[str, int]], objects: list[dict[str, Any]], labels: str, seed: int
) -> list[dict[str, Any]]:
    """Return a log of boxes near the objects, some more than once, some of another category, with scores that repeat."""
    random, log = np.random.default_rng(seed), []
    for place, image in enumerate(images):
        rows = []
        for item in objects:
            for _ in range(random.integers(0, 3) if item["image_id"] == image["id"] else 0):
                x, y, width, height = np.array(item["bbox"]) + random.normal(0, random.choice([0, 1, 5]), 4)
                category = item["category_id"] if random.random() < 0.8 else random.choice(CATEGORIES)
                label = CATEGORIES.index(category) + 1 if labels == "index" else category
                corners = (
                    y / image["height"],
                    x / image["width"],
                    (y + height) / image["height"],
                    (x + width) / image["width"],
                )
                rows.append([place, *corners, round(random.random(), int(random.choice([1, 6]))), label])
        log.append({"qsl_idx": place, "data": np.array(rows, np.float32).tobytes().hex()})
    return log


@pytest.mark.parametrize("labels", ["category", "index"])
@pytest.mark.parametrize("seed", range(4))
def test_map_of_any_boxes_is_what_the_official_script_gives(tmp_path: Path, labels: str, seed: int):
    """Objects of every size, crowds, images without objects, boxes that overlap: by pycocotools and by the definition."""
    random = np.random.default_rng(100 + seed)
    images = [
        {
            "id": int(number),
            "file_name": "",
            "height": int(random.integers(50, 640)),
            "width": int(random.integers(50, 640)),
        }
        for number in random.choice(600_000, 30, replace=False)
    ]
    objects: list[dict[str, Any]] = []
    for image in images[:-3]:
        for _ in range(random.integers(1, 5)):
            width, height = random.uniform(3, image["width"] / 2), random.uniform(3, image["height"] / 2)
            box = [
                random.uniform(0, image["width"] - width),
                random.uniform(0, image["height"] - height),
                width,
                height,
            ]
            category, is_crowd = int(random.choice(CATEGORIES)), int(random.random() < 0.15)
            objects.append({"id": len(objects) + 1, "image_id": image["id"], "category_id": category, "bbox": box})
            objects[-1].update(area=width * height, iscrowd=is_crowd)
    path = coco(tmp_path)
    categories = [{"id": number, "name": f"c{number}"} for number in CATEGORIES]
    path.write_text(json.dumps({"images": images, "annotations": objects, "categories": categories}))
    (tmp_path / "mlperf_log_accuracy.json").write_text(json.dumps(detected(images, objects, labels, seed)))
    ran = inputs(model(labels), [image["id"] for image in images], tmp_path, path)
    ids = ran.labels.tolist()
    ours = mean_average_precision(in_categories(read_detections(tmp_path, ids), ran), ids, path)
    assert ours == pytest.approx(figure(official_scoring(ran, Path()).command, tmp_path), abs=1e-12)
    assert 0.1 < ours < 0.9
