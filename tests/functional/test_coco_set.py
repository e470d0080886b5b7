"""COCO 2017: the package on a stand-in of its two archives, and what doctor says of a copy that is there."""

import io
import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from support.repo import SOURCE, Loom, Repo
from support.server import FileServer

ROOT = SOURCE.parent
IMAGES = ("000000000139.jpg", "000000000285.jpg")


def annotations() -> bytes:
    found = {
        "images": [{"id": int(name[:-4]), "file_name": name, "width": 8, "height": 6} for name in IMAGES],
        "annotations": [{"id": 1, "image_id": 139, "category_id": 90, "bbox": [1, 1, 3, 3], "area": 9, "iscrowd": 0}],
        "categories": [{"id": 1, "name": "person"}, {"id": 90, "name": "toothbrush"}],
    }
    return json.dumps(found).encode()


def jpeg() -> bytes:
    return cv2.imencode(".jpg", np.full((6, 8, 3), 90, np.uint8))[1].tobytes()


def archive(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder laid out as the reference application wants it."""
    folder = tmp_path / "coco"
    for name in IMAGES:
        (folder / "val2017").mkdir(parents=True, exist_ok=True)
        (folder / "val2017" / name).write_bytes(jpeg())
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_val2017.json").write_bytes(annotations())
    return folder


def findings(loom: Loom, folder: Path) -> list[Any]:
    loom.environ["LOOM_DATASET_PATH"] = str(folder)
    return [item for item in loom.here("doctor", "--json").json if item["subject"] == "soft:dataset.coco.2017.val"]


def test_package_takes_images_and_the_one_annotation_file_from_its_archives(tmp_path: Path):
    meta = json.loads((ROOT / "package/coco-2017-val/.cm/meta.json").read_text())
    files = {
        "val2017.zip": {f"val2017/{name}": jpeg() for name in IMAGES},
        "annotations_trainval2017.zip": {
            "annotations/instances_val2017.json": annotations(),
            "annotations/captions_val2017.json": b"{}",
        },
    }
    served = tmp_path / "served"
    served.mkdir()
    for name, content in files.items():
        (served / name).write_bytes(archive(content))
    with FileServer(served) as server:
        for item in meta["fetch"]:
            data = (served / item["url"].rpartition("/")[2]).read_bytes()
            item.update(
                url=server.url(item["url"].rpartition("/")[2]),
                digest=f"sha256:{sha256(data).hexdigest()}",
                size=len(data),
            )
        repo = Repo(tmp_path / "repo", priority=1)
        repo.entry("package", "coco-2017-val", ",".join(meta.pop("tags")), **meta)
        done = Loom(tmp_path / "home", repo).here("install", "package:coco-2017-val", "--json").ok().json
    root = Path(done["nodes"][-1]["path"])
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    assert found == ["annotations/instances_val2017.json", *(f"val2017/{name}" for name in IMAGES)]


def test_doctor_counts_the_images_of_a_copy(tmp_path: Path, copy: Path):
    loom = Loom(tmp_path / "home")
    [whole] = findings(loom, copy)
    assert (whole["severity"], "2 of the set's 5,000" in whole["message"]) == ("pass", True)
    (copy / "val2017" / IMAGES[1]).unlink()
    [part] = findings(loom, copy)
    assert part["severity"] == "warning"
    assert f"1 of 2 images in {copy} are missing or damaged: 1 missing: {IMAGES[1]}" in part["message"]
    (copy / "annotations" / "instances_val2017.json").write_text("{")
    [broken] = findings(loom, copy)
    assert broken["severity"] == "error"
    assert "not in COCO format" in broken["message"]
