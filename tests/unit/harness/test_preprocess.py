from pathlib import Path

import cv2
import numpy as np
import pytest

from benchloom.errors import InputError
from benchloom.harness.preprocess import Samples, list_samples, main, preprocess
from benchloom.model.base import to_json
from benchloom.model.facts import Dataset, Facts, Profile, Step

DATASET = Dataset(
    name="trial", task="image-classification", layout="imagenet", images="images", labels="map.txt", count=3, classes=10
)
PROFILE = Profile(name="gray", steps=(Step(op="decode", colour="gray"),), shape=(4, 4), dtype="uint8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / "images" / f"img {number}.png"), np.full((4, 4), number * 10, np.uint8))
    (tmp_path / "map.txt").write_text("img 2.png 2\nimg 0.png 0\nimg 1.png 1\n")
    return tmp_path


def test_samples_are_in_the_order_of_the_label_file(root: Path, tmp_path: Path):
    samples = list_samples(DATASET, root)
    preprocess(samples, PROFILE, tmp_path, {})
    array = np.load(tmp_path / "samples.npy")
    assert array.shape == (3, 4, 4)
    assert [int(item.max()) for item in array] == [20, 0, 10]
    assert np.load(tmp_path / "labels.npy").tolist() == [2, 0, 1]


def test_label_line_that_cannot_be_read_is_named(root: Path):
    (root / "map.txt").write_text("img 0.png 0\nimg 1.png one\n")
    with pytest.raises(InputError, match=r"img 1\.png one") as caught:
        list_samples(DATASET, root)
    assert caught.value.where.endswith("map.txt:2")


def test_missing_images_are_counted_and_named(root: Path):
    (root / "images" / "img 0.png").unlink()
    (root / "images" / "img 1.png").unlink()
    with pytest.raises(InputError, match="2 of 3 images of trial") as caught:
        list_samples(DATASET, root)
    assert caught.value.why == ("img 0.png, img 1.png",)


def test_missing_label_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="labels cannot be read") as caught:
        list_samples(DATASET, tmp_path)
    assert caught.value.where.endswith("map.txt")


def test_damaged_image_ends_the_work(root: Path, tmp_path: Path):
    (root / "images" / "img 1.png").write_bytes(b"no")
    files = tuple(root / "images" / f"img {number}.png" for number in range(3))
    with pytest.raises(InputError, match="cannot be decoded"):
        preprocess(Samples(files, np.zeros(3, np.int64)), PROFILE, tmp_path, {})


def test_process_reads_the_facts_it_is_given(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for role, facts in {
        "dataset": Facts(role="dataset", component="dataset:trial", path=str(root), dataset=DATASET),
        "profile": Facts(role="profile", component="package:gray", profile=PROFILE),
    }.items():
        (tmp_path / f"{role}.json").write_bytes(to_json(facts))
    environ = {"LOOM_DATASET": str(tmp_path / "dataset.json"), "LOOM_PROFILE": str(tmp_path / "profile.json")}
    monkeypatch.chdir(tmp_path)
    assert main(environ) == 0
    assert (tmp_path / "samples.npy").is_file()
    assert main({}) == 2
    assert "LOOM_DATASET is not set" in capsys.readouterr().err


def test_progress_counts_every_image(root: Path, tmp_path: Path):
    import json

    seen = tmp_path / "progress.json"
    preprocess(list_samples(DATASET, root), PROFILE, tmp_path, {"LOOM_PROGRESS": str(seen)})
    state = json.loads(seen.read_text())
    assert (state["label"], state["total"]) == ("pre-processing", 3)
