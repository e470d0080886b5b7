"""MLPerf's command for a log follows from the samples that were run, and says where it would pair them otherwise."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

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
        ("a.jpg 3\nb 7 c.jpg 5\n", "the script reads another label for 1 of 2 samples"),
    ],
)
def test_label_file_is_read_as_the_script_reads_it(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "val_map.txt"
    path.write_text(text, encoding="utf-8")
    found = official_scoring(inputs(model(), [3, 5], tmp_path, path), Path("accuracy"))
    assert found.command[-4:] == ("--imagenet-val-file", str(path), "--dtype", "float32")
    assert found.problem.startswith(problem)
    assert bool(found.problem) == bool(problem)
