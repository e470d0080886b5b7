"""The object-detection rows of the v1.0 model table, from an empty store to an mAP that is known in advance.

A stand-in of the very same tensors stands in the container of the original; the row's own component, with the digest of the stand-in, runs it.
"""

import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.detector import coco_folder, expected, planted_detector
from support.heavy import heavy, loom_with, standin
from support.official import SCENARIOS, assert_same_figure
from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import meta_of, overlay, tgz, zipped
from support.standins.detectors import (
    BYTES,
    MOBILENET,
    NORMALISED,
    RESNET34_PYTORCH,
    RESNET34_TENSORFLOW,
    Colours,
    Linear,
    Planted,
)

WRONG = 2


@dataclass(frozen=True)
class Row:
    """``labels`` and ``threshold`` are what the stand-in's answers are made for, stated here and not read from the component.

    ``words`` are further ones of the command line; ``second`` tells whether the second box is above the threshold.
    """

    alias: str
    backend: str
    tags: str
    data: Callable[[], bytes]
    labels: str
    order: str
    threshold: float
    images: int
    second: bool = False
    words: tuple[str, ...] = ()
    pinned: bool = True
    leaves_out: bool = False  # images without objects

    @property
    def planted(self) -> float:
        """The mAP of the row: the second box counts where no threshold is above it, the third never does."""
        return expected(self.images, self.images - WRONG, 1 if self.second else 0)


def onnx(alias: str, opset: int, colours: Colours, planted: Planted) -> Callable[[], bytes]:
    return lambda: planted_detector(meta_of(alias)["model"], opset, colours, planted)


def in_tar(alias: str, what: str) -> Callable[[], bytes]:
    return lambda: tgz({meta_of(alias)["fetch"][0]["member"]: standin(what).read_bytes(), "pipeline.config": b"model"})


def in_zip(alias: str, what: str) -> Callable[[], bytes]:
    return lambda: zipped({meta_of(alias)["fetch"][0]["member"]: standin(what).read_bytes()})


def in_file(name: str) -> Callable[[], bytes]:
    return lambda: standin(f"planted-pickled-{name}").read_bytes()


def mobilenet(alias: str, backend: str, tags: str, data: Callable[[], bytes]) -> Row:
    return Row(alias, backend, f"ssd-mobilenet,{tags}", data, "category", "yxyx", 0.0, 8, second=True)


def resnet34(alias: str, backend: str, tags: str, data: Callable[[], bytes], order: str, threshold: float) -> Row:
    return Row(alias, backend, f"ssd-resnet34,{tags}", data, "index", order, threshold, 4)


ONE, TWO, THREE, FOUR = (
    f"model-ssd-{name}"
    for name in ("mobilenet-onnx-opset8", "mobilenet-onnx-opset11", "resnet34-onnx-opset8", "resnet34-onnx-opset11")
)
FLOAT, EIGHT, SYMMETRIC, LARGE = (
    f"model-ssd-{name}-tensorflow{end}"
    for name, end in (("mobilenet", ""), ("mobilenet", "-int8"), ("mobilenet", "-int8-symmetric"), ("resnet34", ""))
)
PICKLED, PICKLED_LARGE = "model-ssd-mobilenet-pytorch", "model-ssd-resnet34-pytorch"
ROWS = {
    "15 opset 8": mobilenet(ONE, "onnx", "opset-8", onnx(ONE, 8, BYTES, MOBILENET)),
    "15 opset 11": mobilenet(TWO, "onnx", "opset-11", onnx(TWO, 11, BYTES, MOBILENET)),
    "19": resnet34(THREE, "onnx", "opset-8", onnx(THREE, 8, NORMALISED, RESNET34_PYTORCH), "xyxy", 0.5),
    "20": resnet34(FOUR, "onnx", "opset-11", onnx(FOUR, 11, NORMALISED, RESNET34_TENSORFLOW), "yxyx", 0.05),
    "14": Row(PICKLED, "pytorch", "ssd-mobilenet", in_file("ssd-mobilenet"), "category", "xyxy", 0.3, 8, second=True),
    "18": Row(
        PICKLED_LARGE,
        "pytorch",
        "ssd-resnet34",
        in_file("ssd-resnet34"),
        "index",
        "xyxy",
        0.05,
        4,
        second=True,
        words=("--trust",),
        pinned=False,
        leaves_out=True,
    ),
    "11": mobilenet(FLOAT, "tensorflow", "fp32", in_tar(FLOAT, "planted-ssd-mobilenet")),
    "12": mobilenet(EIGHT, "tensorflow", "habana,quantized-finetuned", in_tar(EIGHT, "planted-ssd-mobilenet")),
    "13": mobilenet(SYMMETRIC, "tensorflow", "symmetric", lambda: standin("planted-ssd-mobilenet").read_bytes()),
    "16": mobilenet(EIGHT, "tensorflow", "onnx,int8", in_tar(EIGHT, "planted-ssd-mobilenet")),
    "17": resnet34(LARGE, "tensorflow", "fp32", in_zip(LARGE, "planted-ssd-resnet34"), "yxyx", 0.05),
}

# What the official script is told of rows whose labels count the categories, or that leave images without objects out.
OPTIONS = {
    **{number: ["--use-inv-map"] for number in ("17", "19", "20")},
    "18": ["--use-inv-map", "--remove-48-empty-images"],
}


def run_row(tmp_path: Path, number: str, *words: str, profile: str = "", **facts: Any) -> Answer:
    """Run the row; ``profile`` and ``facts`` change what its component states, never its file."""
    return run(tmp_path, ROWS[number], *words, profile=profile, **facts)


def run(tmp_path: Path, row: Row, *words: str, profile: str = "", lent: bool = True, **facts: Any) -> Answer:
    data, served = row.data(), tmp_path / "served"
    served.mkdir(exist_ok=True)
    (served / "model").write_bytes(data)
    folder = coco_folder(tmp_path / "coco", images=row.images, wrong=WRONG, labels=row.labels, bare=row.leaves_out)
    repo = Repo(tmp_path / "repo")
    with FileServer(served) as server:
        overlay(repo, row.alias, server.url("model"), data, profile=profile, pinned=row.pinned, **facts)
        home = tmp_path / "home"
        is_large = lent and row.backend != "onnx"
        loom = loom_with(row.backend, home, repo) if is_large else Loom(home, repo)
        flags = (
            f"--dep_add_tags.model={row.tags}",
            f"--dataset_path={folder}",
            "--mode=accuracy",
            "--threads=1",
            *row.words,
            *words,
        )
        # The first test of a large backend installs it, with what scores boxes.
        return loom("run", f"program:object-detection-{row.backend}", "--json", "--quiet", *flags, limit=880)


def assert_row(tmp_path: Path, number: str, *words: str) -> None:
    """Run the row in every scenario: it scores what was planted, and what the official script gives."""
    row, stated = ROWS[number], meta_of(ROWS[number].alias)["model"]
    for scenario in SCENARIOS:
        answer = run_row(tmp_path, number, f"--scenario={scenario}", *words)
        assert_same_figure(answer)
        results = answer.json["results"]
        accuracy = results["accuracy"]
        assert accuracy["metric"] == "mAP"
        assert accuracy["mean_average_precision"] == pytest.approx(row.planted)
        assert (accuracy["total"], accuracy["reference"]) == (row.images, stated["reference"]["value"])
        assert (results["model"], results["dataset"]) == (stated["name"], "soft:dataset.coco.2017.val")
        assert accuracy["official_command"][5:] == OPTIONS.get(number, [])


BATCHES = "--batch_size=4"


def test_row_15_ssd_mobilenet_onnx_opset8_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, "15 opset 8", BATCHES)


def test_row_15_ssd_mobilenet_onnx_opset11_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, "15 opset 11")


def test_row_19_ssd_resnet34_onnx_opset8_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, "19")


def test_row_20_ssd_resnet34_onnx_opset11_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, "20")


def test_row_whose_profile_leaves_images_out_names_the_option_of_the_script(tmp_path: Path):
    """Row 18's pre-processing, with a network that needs no large backend."""
    row = replace(ROWS["19"], leaves_out=True)
    answer = run(tmp_path, row, profile="profile,coco-1200-pt,nchw")
    assert_same_figure(answer)
    accuracy = answer.json["results"]["accuracy"]
    assert (accuracy["total"], accuracy["mean_average_precision"]) == (row.images, pytest.approx(row.planted))
    assert accuracy["official_command"][5:] == OPTIONS["18"]


def test_row_19_is_timed_one_sample_after_the_other(tmp_path: Path):
    words = ("--mode=both", "--count=2", "--duration=0.1", "--scenario=Offline")
    results = run_row(tmp_path, "19", *words).ok().json["results"]
    assert results["performance"]["samples_per_second"] > 0
    assert results["accuracy"]["total"] == 2


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", ["11", "12", "13", "16"])
def test_row_ssd_mobilenet_tensorflow_scores_what_was_planted(tmp_path: Path, number: str):
    assert_row(tmp_path, number, BATCHES)


@heavy
@pytest.mark.timeout(900)
def test_row_17_ssd_resnet34_tensorflow_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, "17", "--batch_size=2")


class Touch:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (self.path, "w")


@heavy
@pytest.mark.timeout(900)
def test_row_14_ssd_mobilenet_pytorch_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, "14", BATCHES)


@heavy
@pytest.mark.timeout(900)
def test_row_18_ssd_resnet34_pytorch_scores_what_was_planted(tmp_path: Path):
    assert_row(tmp_path, "18")


def test_row_18_without_a_digest_is_not_even_downloaded_unless_the_user_trusts_it(tmp_path: Path):
    answer = run(tmp_path, replace(ROWS["18"], data=lambda: b"no network", words=()), lent=False)
    assert answer.code == 2
    assert "ssd-resnet34 is a pickled module, and no digest verifies that its file is the published one" in answer.err
    assert "--trust" in answer.err
    assert not any(path.read_bytes() == b"no network" for path in (tmp_path / "home").rglob("*") if path.is_file())


# What torch.save writes before an object in a stream of pickles: its magic number, its protocol, the system.
HEAD = b"".join(pickle.dumps(item, protocol=2) for item in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("number", "head", "told"),
    [
        ("14", b"", "the file was not written by torch"),
        ("14", HEAD, "the file cannot be read as a pickled network"),
        ("18", HEAD, "the file cannot be read as a pickled network"),
    ],
)
def test_row_that_is_a_pickle_of_something_else_is_refused_and_nothing_of_it_is_run(
    tmp_path: Path, number: str, head: bytes, told: str
):
    module = head + pickle.dumps(Touch(tmp_path / "ran"), protocol=2)
    answer = run(tmp_path, replace(ROWS[number], data=lambda: module))
    assert answer.code == 2
    assert told in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "ran").exists()


def other_threshold(row: Row) -> tuple[dict[str, float], float]:
    if (
        row.backend == "pytorch"
    ):  # the second box is first in the list, which ends with it; the third never leaves the network
        return {"threshold": 0.5}, 0.0
    if row.threshold == 0:
        return {"threshold": 0.3}, expected(row.images, row.images - WRONG)
    return {"threshold": 0.0}, expected(row.images, row.images - WRONG, 1, WRONG)


# What is found where one fact is wrong: boxes that lie elsewhere, categories that nobody annotated, more or fewer boxes.
SWAPS = {
    "order": lambda row: ({"order": "xyxy" if row.order == "yxyx" else "yxyx"}, 0.0),
    "scale": lambda _: ({"scale": 0.5}, 0.0),
    "labels": lambda row: (
        {"labels": "index" if row.labels == "category" else "category"},
        expected(row.images, 0, 1 if row.second else 0),  # the first category has the first place, too
    ),
    "threshold": other_threshold,
}


def assert_swap(tmp_path: Path, number: str, what: str) -> None:
    row = ROWS[number]
    changes, found = SWAPS[what](row)
    detections = {**meta_of(row.alias)["model"]["detections"], **changes}
    accuracy = run_row(tmp_path, number, detections=detections).ok().json["results"]["accuracy"]
    assert found != pytest.approx(row.planted)
    assert accuracy["mean_average_precision"] == pytest.approx(found)


@pytest.mark.parametrize("what", SWAPS)
@pytest.mark.parametrize("number", ["15 opset 8", "15 opset 11", "19", "20"])
def test_row_with_one_fact_of_its_boxes_changed_scores_something_else(tmp_path: Path, number: str, what: str):
    assert_swap(tmp_path, number, what)


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", SWAPS)
@pytest.mark.parametrize("number", ["11", "14", "17", "18"])
def test_row_of_a_large_backend_with_one_fact_of_its_boxes_changed_scores_something_else(
    tmp_path: Path, number: str, what: str
):
    assert_swap(tmp_path, number, what)


def outputs_of(number: str, **meanings: str) -> list[dict[str, Any]]:
    found = meta_of(ROWS[number].alias)["model"]["outputs"]
    return [{**item, "meaning": meanings.get(item["meaning"], item["meaning"])} for item in found]


def test_row_whose_count_of_boxes_is_not_stated_takes_them_all(tmp_path: Path):
    row = ROWS["15 opset 11"]
    accuracy = run_row(tmp_path, "15 opset 11", outputs=outputs_of("15 opset 11", count="number")).ok()
    found = accuracy.json["results"]["accuracy"]["mean_average_precision"]
    assert found == pytest.approx(expected(row.images, row.images - WRONG, 1, WRONG))


def test_row_whose_outputs_are_taken_for_each_other_is_refused(tmp_path: Path):
    swapped = outputs_of("20", labels="scores", scores="labels")
    answer = run_row(tmp_path, "20", outputs=swapped)
    assert answer.code == 2
    assert "the outputs of the detector contradict its facts" in answer.err


def test_row_whose_boxes_are_taken_for_pixels_is_refused(tmp_path: Path):
    detections = {**meta_of(ROWS["15 opset 11"].alias)["model"]["detections"], "scale": 300.0}
    answer = run_row(tmp_path, "15 opset 11", detections=detections)
    assert answer.code == 2
    assert "so they are fractions of the image; the facts state coordinates up to 300" in answer.err


@dataclass(frozen=True)
class OffByOne(Planted):
    """All labels are ``shift`` too high."""

    shift: int = 0

    def outputs(self) -> dict[str, Linear]:
        found = super().outputs()
        found["labels"].bias[:] += self.shift
        return found


@pytest.mark.parametrize(
    ("number", "shift", "words"),
    [("15 opset 11", 1, "1 taken from"), ("20", 1, "1 taken from"), ("20", -1, "1 added to")],
)
def test_row_whose_labels_are_off_by_one_says_so(tmp_path: Path, number: str, shift: int, words: str):
    row = ROWS[number]
    planted, colours = (MOBILENET, BYTES) if number.startswith("15") else (RESNET34_TENSORFLOW, NORMALISED)
    wrong = OffByOne(planted.order, planted.boxes, planted.unsure, shift=shift)
    results = run(tmp_path, replace(row, data=onnx(row.alias, 11, colours, wrong))).ok().json["results"]
    assert results["accuracy"]["mean_average_precision"] < 0.1
    [far, why] = results["notes"][:2]
    assert "is far below the published" in far
    assert why.startswith(
        f"with {words} each predicted label, accuracy would be {100 * row.planted:.2f} %: see model.detections.labels"
    )


@dataclass(frozen=True)
class NotANumber(Planted):
    """The box at ``place`` has no score that is a number."""

    place: int = 0

    def outputs(self) -> dict[str, Linear]:
        found = super().outputs()
        found["scores"].bias[self.place] = np.nan
        return found


def test_row_with_a_score_that_is_not_a_number_ends_with_the_image(tmp_path: Path):
    planted = NotANumber("yxyx", 100, (0.2, 0.1))
    answer = run(tmp_path, replace(ROWS["15 opset 11"], data=onnx(TWO, 11, BYTES, planted)))
    assert answer.code == 4
    assert re.search(r"the model.s output for 0{11}[0-7].jpg is not a number", answer.err)
    assert "Traceback" not in answer.err


def test_row_with_something_else_than_numbers_behind_its_boxes_scores_what_was_planted(tmp_path: Path):
    row = replace(ROWS["15 opset 11"], data=onnx(TWO, 11, BYTES, NotANumber("yxyx", 100, (0.2, 0.1), place=2)))
    accuracy = run(tmp_path, row).ok().json["results"]["accuracy"]
    assert accuracy["mean_average_precision"] == pytest.approx(row.planted)


@pytest.mark.parametrize(
    ("number", "shape", "profile", "told"),
    [
        ("20", ["N", 3, 1200, 1200], "profile,coco-1200-tf,nchw", "is [-1, 1200, 1200, 3], its facts state"),
        ("19", ["N", 1200, 1200, 3], "profile,coco-1200-tf,nhwc", "is [1, 3, 1200, 1200], its facts state"),
        ("15 opset 11", ["N", 3, 300, 300], "", "samples of shape (300, 300, 3) do not match the model's input"),
    ],
)
def test_row_with_another_layout_is_refused(tmp_path: Path, number: str, shape: list[Any], profile: str, told: str):
    (stated,) = meta_of(ROWS[number].alias)["model"]["inputs"]
    layout = profile[-4:].upper() or stated["layout"]  # that of the samples, else the plan is refused
    answer = run_row(tmp_path, number, profile=profile, inputs=[{**stated, "shape": shape, "layout": layout}])
    assert answer.code == 2, answer.out
    assert told in answer.err
    assert "Traceback" not in answer.err


def test_row_19_refuses_a_larger_batch_than_its_file_takes(tmp_path: Path):
    answer = run_row(tmp_path, "19", "--scenario=Offline", "--batch_size=2")
    assert answer.code == 2
    assert "the model supports batches of at most 1" in answer.err
