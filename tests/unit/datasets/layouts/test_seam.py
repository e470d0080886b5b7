"""Layouts by name, and what each of them says of a data set."""

import json
from pathlib import Path

import msgspec
import pytest

from benchloom.datasets.layouts import folders_by_class, imagenet
from benchloom.datasets.layouts.seam import ROOM, Layout, layout_of, layouts
from benchloom.datasets.samples import list_images
from benchloom.errors import InputError
from benchloom.model.facts import Dataset
from support.seams import misfits

FOLDERS = Dataset(
    name="d", task="image-classification", layout="folders-by-class", images="", labels="", count=3, classes=2
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_every_layout_keeps_the_protocol():
    assert not list(misfits(ROOM, Layout))


def test_unknown_layout_lists_those_that_there_are():
    with pytest.raises(InputError, match="'imagnet' is not a layout") as caught:
        layout_of(msgspec.structs.replace(FOLDERS, layout="imagnet"))
    assert (caught.value.where, caught.value.fix) == ("dataset.layout of d", "did you mean 'imagenet'?")
    with pytest.raises(InputError) as caught:
        layout_of(msgspec.structs.replace(FOLDERS, layout="xyz"))
    assert caught.value.fix == f"known: {', '.join(layouts())}"
    assert {"coco", "folders-by-class", "imagenet"} <= set(layouts())


def test_folders_by_class_are_a_layout_of_their_own(root: Path):
    found = list_images(FOLDERS, root, count=2)
    assert (found.names, found.labels) == (("cat/1.png", "cat/2.png"), (0, 0))
    assert list_images(FOLDERS, root) == list_images(msgspec.structs.replace(FOLDERS, layout="imagenet"), root)
    assert folders_by_class.sample_names(FOLDERS, root, (), ()) == ("cat/1.png", "cat/2.png", "dog/1.png")


def test_folders_by_class_refuse_a_label_file_that_they_would_not_read(root: Path):
    with pytest.raises(InputError, match=r"val_map\.txt would be ignored"):
        list_images(msgspec.structs.replace(FOLDERS, labels="val_map.txt"), root)


def test_names_of_samples_leave_out_what_was_skipped(root: Path):
    (root / "l.txt").write_text("cat/1.png 0\ngone.png 1\ndog/1.png 1\n")
    dataset = msgspec.structs.replace(FOLDERS, layout="imagenet", labels="l.txt")
    assert imagenet.sample_names(dataset, root, (0, 1), ("gone.png",)) == ["cat/1.png", "dog/1.png"]


@pytest.mark.parametrize(
    ("layout", "text", "count"),
    [
        ("imagenet", "a 1\n\nb 2\n", 2),
        ("coco", json.dumps({"images": [{"id": 1, "file_name": "a", "width": 1, "height": 1}]}), 1),
        ("folders-by-class", "a 1\n", None),
    ],
)
def test_layout_counts_the_samples_of_a_text(layout: str, text: str, count: int | None):
    assert layout_of(msgspec.structs.replace(FOLDERS, layout=layout)).samples_in(text) == count
