"""The key of pre-processed samples: it changes with all that can change a byte of them, and with nothing else."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from support.repo import SOURCE, Loom, Repo

ROOT = SOURCE.parent
TARGET = "program:image-classification-onnx"
DATASET = {
    "name": "keyed",
    "task": "image-classification",
    "layout": "imagenet",
    "images": "images",
    "labels": "val_map.txt",
    "count": 2,
    "classes": 10,
}


class Trial:
    """A data set, a profile and a model of a repository of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = Repo(folder / "repo")
        self.loom = Loom(folder / "home", self.repo)
        self.profile: dict[str, Any] = json.loads((ROOT / "package/profile-digits/.cm/meta.json").read_text())
        self.write_dataset()
        self.write_profile()
        images = self.dataset / "images"
        images.mkdir()
        for source in sorted((ROOT / "dataset/digits-val/images").iterdir())[:2]:
            shutil.copy(source, images)
        self.labels.write_text("".join(f"{path.name} 3\n" for path in sorted(images.iterdir())))
        self.write_model()

    @property
    def dataset(self) -> Path:
        return self.repo.root / "dataset" / "keyed"

    @property
    def labels(self) -> Path:
        return self.dataset / "val_map.txt"

    @property
    def image(self) -> Path:
        return min((self.dataset / "images").iterdir())

    def write_dataset(self, **more: Any) -> None:
        self.repo.dataset("keyed", "dataset,image-classification,keyed", dataset={**DATASET, **more}, licence="MIT")

    def write_profile(
        self, summary: str = "a profile", variations: Mapping[str, Any] = MappingProxyType({}), **more: Any
    ) -> None:
        tags = "profile,image-classification,keyed"
        varied = {name: {"profile": {**self.profile["profile"], **facts}} for name, facts in variations.items()}
        profile = {**self.profile["profile"], **more}
        self.repo.entry("package", "profile-keyed", tags, summary=summary, profile=profile, variations=varied)

    def write_model(self, name: str = "model-keyed", summary: str = "") -> None:
        meta = json.loads((ROOT / "package/model-digits-onnx/.cm/meta.json").read_text())
        for key in ("tags", "default_for"):
            del meta[key]
        needs = {"profile": {"tags": "profile,keyed"}, "dataset": {"tags": "dataset,keyed"}}
        tags = f"model,image-classification,onnx,{name}"
        folder = self.repo.entry("package", name, tags, **{**meta, "needs": needs, "summary": summary})
        shutil.copy(ROOT / "package/model-digits-onnx/digits.onnx", folder)

    def key(self, *words: str, model: str = "model-keyed", **environ: str) -> str:
        """Return the key of the samples in the plan."""
        answer = self.loom("plan", TARGET, f"--dep_add_tags.model={model}", *words, "--json", "--quiet", **environ)
        return answer.ok().node("samples")["key"]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def with_step(number: int, **facts: Any) -> Callable[[Trial], None]:
    def change(trial: Trial) -> None:
        steps = [dict(step) for step in trial.profile["profile"]["steps"]]
        steps[number].update(facts)
        trial.write_profile(steps=steps)

    return change


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


COUNTS: dict[str, Callable[[Trial], None]] = {
    "interpolation of the profile": with_step(1, interpolation="area"),
    "value of the profile": with_step(3, values=[127.5000001]),
    "shape of the profile": lambda trial: trial.write_profile(shape=[1, 32, 33]),
    "one byte of an image": lambda trial: append(trial.image, b"\0"),
    "name of an image": lambda trial: trial.image.rename(trial.image.with_name("other.JPEG")),
    "one label": lambda trial: trial.labels.write_text(trial.labels.read_text().replace(" 3", " 4", 1)),
    "order of the labels": lambda trial: trial.labels.write_text(
        "".join(reversed(trial.labels.read_text().splitlines(keepends=True)))
    ),
    "where the images are": lambda trial: trial.write_dataset(images="."),
}

DOES_NOT_COUNT: dict[str, Callable[[Trial], None]] = {
    "words about the profile": lambda trial: trial.write_profile(summary="the same in other words"),
    "words about the data set": lambda trial: trial.repo.dataset(
        "keyed", "dataset,image-classification,keyed,more", dataset=DATASET, summary="another", licence="CC0-1.0"
    ),
    "a licence beside the images": lambda trial: (trial.dataset / "LICENSE.txt").write_text("free"),
    "words about the model": lambda trial: trial.write_model(summary="a network"),
    "times of the images": lambda trial: os.utime(trial.image, (1, 1)),
    "a model beside it": lambda trial: trial.write_model("model-beside"),
}


@pytest.mark.parametrize("what", COUNTS)
def test_key_of_samples_changes_with(trial: Trial, what: str):
    before = trial.key()
    COUNTS[what](trial)
    assert trial.key() != before


@pytest.mark.parametrize("what", DOES_NOT_COUNT)
def test_key_of_samples_does_not_change_with(trial: Trial, what: str):
    before = trial.key()
    DOES_NOT_COUNT[what](trial)
    assert trial.key() == before


def test_key_of_samples_does_not_change_with_model_inputs_or_home(trial: Trial, tmp_path: Path):
    before = trial.key()
    trial.write_model("model-other")
    assert trial.key(model="model-other") == before
    assert trial.key("--scenario=Offline", "--threads=1", "--batch_size=3", "--env.ANY=thing") == before
    trial.loom = Loom(tmp_path / "other home", trial.repo)
    assert trial.key() == before
    assert trial.key("--count=1") != before  # other samples
    moved = tmp_path / "moved"
    shutil.copytree(trial.repo.root, moved)
    trial.loom = Loom(tmp_path / "third home", Repo(moved))
    assert trial.key() == before


VARIED = "--dep_add_tags.profile=_other"


def steps_with_mean(trial: Trial, mean: float) -> list[dict[str, Any]]:
    steps = [dict(step) for step in trial.profile["profile"]["steps"]]
    steps[3]["values"] = [mean]
    return steps


def test_variation_of_a_profile_has_samples_of_its_own(trial: Trial):
    trial.write_profile(variations={"other": {"steps": steps_with_mean(trial, 0)}})
    plain, varied = trial.key(), trial.key(VARIED)
    assert plain != varied
    words = ("--dep_add_tags.model=model-keyed", "--mode=accuracy", "--json", "--quiet")
    for key, more in ((plain, ()), (varied, (VARIED,))):
        answer = trial.loom("run", TARGET, *words, *more).ok()
        assert samples(trial, key).shape == (2, 1, 32, 32)
        assert answer.json["results"]["accuracy"]["total"] == 2
    np.testing.assert_allclose(samples(trial, varied), samples(trial, plain) + 1, atol=1e-6)


def samples(trial: Trial, key: str) -> Any:
    (found,) = (trial.folder / "home").rglob(f"*{key.partition('-')[2]}*/**/samples.npy")
    return np.load(found)


def test_key_of_samples_changes_with_the_profile_of_a_variation(trial: Trial):
    trial.write_profile(variations={"other": {"steps": steps_with_mean(trial, 0)}})
    before = trial.key(VARIED)
    assert trial.key(VARIED) == before
    trial.write_profile(variations={"other": {"steps": steps_with_mean(trial, 1)}})
    assert trial.key(VARIED) != before


def test_key_of_samples_of_a_detected_data_set_changes_with_its_files_and_how_they_are_read(
    trial: Trial, tmp_path: Path
):
    shutil.rmtree(trial.dataset)
    folder = tmp_path / "found"
    shutil.copytree(ROOT / "dataset/digits-val/images", folder)
    (folder / "map.txt").write_text("digits_val_00000001.JPEG 7\n")
    (folder / "other.txt").write_text("digits_val_00000001.JPEG 7\n")

    def key(**more: Any) -> str:
        detect = {"files": {"patterns": ["*.JPEG", "*.txt"]}}
        facts = {**DATASET, "images": ".", "labels": "map.txt", **more}
        trial.repo.soft("keyed", "dataset,image-classification,keyed", detect=detect, dataset=facts)
        return trial.key(f"--dataset_path={folder}")

    before = key()
    assert key() == before
    assert key(labels="other.txt") != before
    (folder / "map.txt").write_text("digits_val_00000002.JPEG 9\n")
    assert key() != before


@pytest.mark.parametrize(
    ("distribution", "counts"),
    [
        ("opencv-python-headless", True),
        ("pillow", True),
        ("numpy", True),
        ("onnxruntime", False),
        ("mlcommons-loadgen", False),
    ],
)
def test_key_of_samples_changes_with_versions_of_what_makes_them(
    trial: Trial, tmp_path: Path, distribution: str, counts: bool
):
    before = trial.key()
    folder = tmp_path / "newer" / f"{distribution.replace('-', '_')}-99.1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 99.1\n")
    assert (trial.key(PYTHONPATH=str(folder.parent)) != before) is counts


@pytest.mark.parametrize(
    ("module", "counts"),
    [
        ("harness/preprocess.py", True),
        ("harness/profiles.py", True),
        ("datasets/layouts/imagenet.py", True),
        ("datasets/layouts/coco.py", True),  # it is imported by name
        ("harness/logs.py", False),
        ("harness/backends/onnxruntime.py", False),
        ("app/running.py", False),
    ],
)
def test_key_of_samples_changes_with_the_source_that_makes_them(
    trial: Trial, tmp_path: Path, module: str, counts: bool
):
    copy = tmp_path / "checkout"
    shutil.copytree(SOURCE / "benchloom", copy / "src" / "benchloom", ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.name not in {"src", ".git"}:
            (copy / path.name).symlink_to(path)
    place = str(copy / "src")
    before = trial.key(PYTHONPATH=place)
    append(copy / "src" / "benchloom" / module, b"\nCHANGED = 1\n")
    assert (trial.key(PYTHONPATH=place) != before) is counts
