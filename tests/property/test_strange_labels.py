"""Whatever label files and annotations hold: they are refused with their place, or mean what the reference's tools take them for."""

import contextlib
import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchloom.datasets.layouts import coco, imagenet
from benchloom.datasets.samples import list_images
from benchloom.model.facts import Dataset
from support.fuzz import Campaign, broken, changed, examples, seeded

CLASSES = Dataset(
    name="things",
    task="image-classification",
    layout="imagenet",
    images="images",
    labels="labels.txt",
    count=9,
    classes=100,
)
BOXES = Dataset(
    name="boxes", task="object-detection", layout="coco", images="images", labels="boxes.json", count=4, classes=3
)
WORDS = [
    b" ", b"\n", b"\r", b"\t", b"\x0b", b"\x1c", b"\x85", "\u00a0".encode(), "\u3000".encode(), "٣".encode(), b"\x00", b"../",
    b"/", b"./", b"-1", b"1e3", b"0" * 5000, b"9" * 5000, b"nan", b"\xed\xa0\x80", "\ufeff".encode(), b"a" * 5000, b"..", b"a.png 7\n",
]  # fmt: skip
BYTES = [*WORDS, b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\ud800", b"[" * 5000, b'{"a":' * 5000, b"1e999", b"-0.0", b"Infinity", b"null", b"1.0"]  # fmt: skip

NAMES = st.from_regex(r"[a-zé]([a-z ()é]{0,6}[a-z])?\.png", fullmatch=True)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.dictionaries(NAMES, st.integers(0, 99), min_size=1, max_size=9),
    gap=st.sampled_from([" ", "\t", "   ", " \t"]),
    end=st.sampled_from(["\n", "\r\n", " \n", "\n\n"]),
)
def test_sound_label_file_gives_names_and_labels_in_its_order(
    tmp_path: Path, lines: dict[str, int], gap: str, end: str
):
    (tmp_path / "labels.txt").write_bytes("".join(f"{name}{gap}{label}{end}" for name, label in lines.items()).encode())
    found = imagenet.listing(CLASSES, tmp_path)
    assert (found.names, found.labels) == (tuple(lines), tuple(lines.values()))
    assert found.missing == tuple(lines)


@pytest.mark.timeout(examples(200))
def test_changed_label_file_is_refused_or_read_as_the_reference_splits_it(tmp_path: Path):
    rng, campaign = seeded(4), Campaign("label files")
    (tmp_path / "images").mkdir()
    path = tmp_path / "labels.txt"
    for _ in range(examples(6000)):
        data = "".join(
            f"{name}.png {rng.randrange(100)}\n" for name in rng.sample("abcdefgh", rng.randint(1, 5))
        ).encode()
        path.write_bytes(data if rng.random() < 0.1 else broken(data, rng, WORDS))
        found = campaign.outcome(lambda: imagenet.listing(CLASSES, tmp_path))
        if found is None:
            continue
        rows = [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
        assert found.missing == found.names
        assert all(0 <= label < CLASSES.classes for label in found.labels)
        for row, name, label in zip(rows, found.names, found.labels, strict=True):
            *words, last = re.split(r"\s+", row.strip())
            assert (name.split(), label) == (" ".join(words).split(), int(last.lstrip("0") or "0")), path.read_bytes()
    campaign.show()


def sound(rng: random.Random) -> dict[str, Any]:
    """Return annotations of four images of 64 x 48 pixels, with and without what may be absent."""
    images = [{"id": number + 3, "file_name": f"{number}.png", "width": 64, "height": 48} for number in range(4)]
    categories = [{"id": number, "name": f"c{number}"} for number in (1, 2, 7)]
    boxes = []
    for number in range(rng.randint(1, 6)):
        left, top = rng.randint(0, 40), rng.randint(0, 30)
        box = [left, top, rng.randint(4, 24), rng.randint(4, 18)]
        entry = {
            "id": number + 1,
            "image_id": rng.choice(images)["id"],
            "category_id": rng.choice(categories)["id"],
            "bbox": box,
        }
        boxes.append(
            {**entry, **rng.choice([{}, {"iscrowd": 0}, {"area": box[2] * box[3], "iscrowd": 0, "segmentation": []}])}
        )
    return {"info": {"x": 1}, "images": images, "annotations": boxes, "categories": categories}


def average_precision(data: dict[str, Any]) -> float:
    """Return what pycocotools gives detections that are the annotations themselves (with what may be absent filled in)."""
    boxes = [{"iscrowd": 0, "area": item["bbox"][2] * item["bbox"][3], **item} for item in data["annotations"]]
    truth = COCO()
    truth.dataset = {**data, "annotations": boxes}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes(
            [{**{key: item[key] for key in ("image_id", "category_id", "bbox")}, "score": 1.0} for item in boxes]
        )
        scored = COCOeval(truth, found, "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    return float(scored.stats[0])


def readers(root: Path, rng: random.Random) -> list[Callable[[], Any]]:
    """Return what reads annotations: each has to refuse the same rubbish."""
    count, options = rng.choice([None, 1, 3, 9]), rng.sample([True, False], 2)
    return [
        lambda: coco.read_categories(BOXES, root),
        lambda: list_images(BOXES, root, count=count, only_with_objects=options[0], allow_missing=options[1]),
    ]


@pytest.mark.timeout(examples(300))
@pytest.mark.parametrize("kind", ["values", "bytes"])
def test_changed_annotations_are_refused_or_scored_by_pycocotools(tmp_path: Path, kind: str):
    rng, campaign, scored = seeded(5), Campaign(f"annotations, changed {kind}"), 0
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.png").write_bytes(b"x")
    path = tmp_path / "boxes.json"
    for _ in range(examples(3000)):
        data = sound(rng)
        if kind == "values":
            path.write_bytes(json.dumps(data if rng.random() < 0.1 else changed(data, rng)).encode())
        else:
            path.write_bytes(broken(json.dumps(data).encode(), rng, BYTES))
        found = campaign.outcome(lambda: coco.listing(BOXES, tmp_path))
        for read in readers(tmp_path, rng):
            Campaign("").outcome(read)
        if found is None:
            continue
        try:
            data = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        except ValueError:  # Python alone limits the digits of a number, where nothing reads it
            continue
        if any(row.has_objects for row in found.rows) and scored < examples(60):
            scored += 1
            if not any(item.get("iscrowd") or item.get("area") == 0 for item in data["annotations"]):
                assert average_precision(data) == pytest.approx(1), path.read_bytes()
    campaign.show()
