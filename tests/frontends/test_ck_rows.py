"""The real `ck` installs and runs a row of the model table for each task and backend, over stand-ins from a local server."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.ck import ROOT, Ck
from support.detector import coco_folder, expected, planted_detector
from support.heavy import heavy, lend_store, standin
from support.repo import Loom, Repo
from support.server import FileServer
from support.standin import imagenet_folder, meta_of, overlay, planted_onnx, tgz
from support.standins.detectors import BYTES, MOBILENET

IMAGES, WRONG = 8, 2


@dataclass(frozen=True)
class Row:
    alias: str
    program: str
    data: Callable[[], bytes]

    @property
    def is_detector(self) -> bool:
        return self.program.startswith("object")


def opset_11() -> bytes:
    return planted_onnx(meta_of("model-resnet50-onnx-opset11")["model"], 11, 123.68, 1.0)


def quantised() -> bytes:
    return tgz({"./mobilenet_v1_1.0_224_quant.tflite": standin("planted-tflite-int8").read_bytes()})


def detector() -> bytes:
    return planted_detector(meta_of("model-ssd-mobilenet-onnx-opset11")["model"], 11, BYTES, MOBILENET)


def frozen_detector() -> bytes:
    (fetch,) = meta_of("model-ssd-mobilenet-tensorflow")["fetch"]
    return tgz({fetch["member"]: standin("planted-ssd-mobilenet").read_bytes()})


@pytest.fixture
def ck(tmp_path: Path) -> Iterator[Callable[[Row], Ck]]:
    made: list[Ck] = []

    def make(row: Row) -> Ck:
        backend = row.program.rpartition("-")[2]
        repo = Repo(tmp_path / "repository", "served")
        home = tmp_path / "home"
        if backend != "onnx":
            lend_store(backend, home / "loom")
        if row.is_detector:
            folder = coco_folder(tmp_path / "coco", images=IMAGES, wrong=WRONG, labels="category")
        else:
            folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=WRONG)
        made.append(Ck(home, ROOT, repo.root, LOOM_DATASET_PATH=str(folder)))
        return made[-1]

    yield make
    for item in made:
        item.tidy()


def assert_row(tmp_path: Path, ck: Callable[[Row], Ck], row: Row) -> None:
    data, served = row.data(), tmp_path / "served"
    served.mkdir()
    (served / "model").write_bytes(data)
    backend = row.program.rpartition("-")[2]
    with FileServer(served) as server:
        overlay(Repo(tmp_path / "repository", "served"), row.alias, server.url("model"), data, served=True)
        Loom(tmp_path / "sync").here("repo", "sync", str(tmp_path / "repository")).ok()
        driver = ck(row)
        driver.ok("install", "package", "--tags=model,served", "--quiet")
        words = ("--dep_add_tags.model=served", "--env.LOOM_INPUT_MODE=accuracy", "--env.LOOM_INPUT_BATCH_SIZE=1")
        if row.alias == "model-resnet50-onnx-opset11":
            shown = driver.ok("show", "env", "--tags=served,v1.5-opset-11")
            assert "resnet50 v1.5 fp32 (onnx opset 11) 1.5-opset-11 64bits," in shown
        results = driver.run(*words, program=f"program:{row.program}")
    accuracy = results["accuracy"]
    if row.is_detector:
        assert accuracy["mean_average_precision"] == pytest.approx(expected(IMAGES, IMAGES - WRONG, 1))
    else:
        assert (accuracy["correct"], accuracy["total"]) == (IMAGES - WRONG, IMAGES)
    assert accuracy["reference"] == meta_of(row.alias)["model"]["reference"]["value"]
    # At most once: the store of a large backend may have the same bytes from another test.
    assert server.requests in ({"/model": 1}, {} if backend != "onnx" else None)


def test_ck_runs_row_2_resnet50_onnx(tmp_path: Path, ck: Callable[[Row], Ck]):
    assert_row(tmp_path, ck, Row("model-resnet50-onnx-opset11", "image-classification-onnx", opset_11))


def test_ck_runs_row_15_ssd_mobilenet_onnx(tmp_path: Path, ck: Callable[[Row], Ck]):
    assert_row(tmp_path, ck, Row("model-ssd-mobilenet-onnx-opset11", "object-detection-onnx", detector))


@heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "row",
    [
        Row(
            "model-resnet50-tensorflow",
            "image-classification-tensorflow",
            lambda: standin("planted-resnet50").read_bytes(),
        ),
        Row(
            "model-resnet50-pytorch",
            "image-classification-pytorch",
            lambda: standin("planted-state-dict").read_bytes(),
        ),
        Row("model-mobilenet-tflite-int8", "image-classification-tflite", quantised),
        Row("model-ssd-mobilenet-tensorflow", "object-detection-tensorflow", frozen_detector),
        Row(
            "model-ssd-mobilenet-pytorch",
            "object-detection-pytorch",
            lambda: standin("planted-pickled-ssd-mobilenet").read_bytes(),
        ),
    ],
    ids=["row_1", "row_3", "row_8", "row_11", "row_14"],
)
def test_ck_runs_row_of_a_large_backend(tmp_path: Path, ck: Callable[[Row], Ck], row: Row):
    assert_row(tmp_path, ck, row)
