"""A data set far larger than what a run may take: its samples are never in memory as a whole."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from support.repo import Answer, Loom, Repo
from support.standin import ROOT, planted_onnx

SIDE = 96
SAMPLE = SIDE * SIDE * 3 * 4
MANY, FEW = 4000, 64
SIZE = MANY * SAMPLE  # 442 MB


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loom]:
    folder = tmp_path_factory.mktemp("memory")
    repo = Repo(folder / "repo")
    for name, count in (("many", MANY), ("few", FEW)):
        write_dataset(repo, name, count)
    steps: list[dict[str, Any]] = [
        {"op": "decode", "colour": "rgb"},
        {"op": "resize", "size": [SIDE, SIDE], "mode": "exact", "interpolation": "linear"},
        {"op": "cast", "dtype": "float32"},
        {"op": "transpose", "layout": "NCHW"},
    ]
    profile = {"name": "large", "steps": steps, "shape": [3, SIDE, SIDE], "dtype": "float32"}
    repo.entry("package", "profile-large", "profile,image-classification,large", profile=profile)
    write_model(repo)
    yield Loom(folder / "home", repo)
    shutil.rmtree(folder / "home")


def write_dataset(repo: Repo, name: str, count: int) -> None:
    block = {
        "name": name,
        "task": "image-classification",
        "layout": "imagenet",
        "images": "images",
        "labels": "map.txt",
    }
    tags = f"dataset,image-classification,large,{name}"
    folder = repo.dataset(f"large-{name}", tags, dataset={**block, "count": count, "classes": 1000})
    (folder / "images").mkdir()
    pictures = [cv2.imencode(".jpg", np.full((8, 8, 3), red, np.uint8))[1].tobytes() for red in (20, 120, 220)]
    for number in range(count):
        (folder / "images" / f"{number}.JPEG").write_bytes(pictures[number % 3])
    (folder / "map.txt").write_text("".join(f"{number}.JPEG {(2, 12, 22)[number % 3]}\n" for number in range(count)))


def write_model(repo: Repo) -> None:
    model = {**facts_of("model-mobilenet-onnx-opset11"), "name": "large"}
    model["inputs"] = [{**model["inputs"][0], "shape": ["N", 3, SIDE, SIDE]}]
    needs = {"profile": {"tags": "profile,large"}, "dataset": {"tags": "dataset,large"}}
    tags = "model,image-classification,onnx,large"
    fetch = [{"path": "large.onnx", "unpinned": "made by this test"}]
    folder = repo.entry("package", "model-large", tags, model=model, needs=needs, fetch=fetch, result="large.onnx")
    (folder / "large.onnx").write_bytes(planted_onnx(model, 11, 0.0, 1.0))


def run(loom: Loom, name: str) -> Answer:
    tags = ("--dep_add_tags.model=large", f"--dep_add_tags.dataset={name}")
    return loom("run", "program:image-classification-onnx", *tags, "--mode=accuracy", "--json", "--quiet").ok()


def peak_of_preprocessing(answer: Answer) -> int:
    (log,) = Path(answer.json["directory"]).glob("logs/*preprocess-images*.log")
    return int(re.findall(r"^peak_memory_bytes: (\d+)$", log.read_text(), re.MULTILINE)[0])


def test_memory_of_preprocessing_and_run_does_not_grow_with_the_data_set(loom: Loom):
    few, many = run(loom, "few"), run(loom, "many")
    assert many.json["results"]["accuracy"]["correct"] == many.json["results"]["accuracy"]["total"] == MANY
    assert peak_of_preprocessing(many) - peak_of_preprocessing(few) < SIZE / 4
    # A run holds what LoadGen asks for at once: 1024 samples, a quarter of this set.
    peaks = [answer.json["results"]["peak_memory_bytes"] for answer in (few, many)]
    assert peaks[1] - peaks[0] < SIZE / 2
    shown = loom("record", "show", many.json["record"]).ok().out
    assert re.search(r"^  memory +[\d.]+ MiB resident at most$", shown, re.MULTILINE), shown


def facts_of(alias: str) -> dict[str, Any]:
    return json.loads((ROOT / "package" / alias / ".cm" / "meta.json").read_text())["model"]
