"""The files of a data set: its label file, those that are missing or empty, and what leads outside."""

from pathlib import Path

import msgspec
import pytest

from benchloom.datasets.files import label_file, leads_outside, missing_and_empty, several, unusable, with_label_file
from benchloom.model.facts import Dataset

DATASET = Dataset(
    name="d",
    task="image-classification",
    layout="imagenet",
    images="",
    labels="a.txt",
    count=1,
    classes=2,
    other_labels=("b.txt", ""),
)


def test_label_file_is_the_first_that_is_there(tmp_path: Path):
    assert label_file(DATASET, tmp_path) is None  # the last of them stands for folders
    (tmp_path / "b.txt").touch()
    assert label_file(DATASET, tmp_path) == tmp_path / "b.txt"
    (tmp_path / "a.txt").touch()
    assert label_file(DATASET, tmp_path) == tmp_path / "a.txt"


def test_label_file_that_is_nowhere_is_the_one_that_is_stated(tmp_path: Path):
    assert label_file(msgspec.structs.replace(DATASET, other_labels=()), tmp_path) == tmp_path / "a.txt"


def test_file_of_the_user_takes_the_place_of_all():
    assert with_label_file(DATASET, "") is DATASET
    changed = with_label_file(DATASET, "/own.txt")
    assert (changed.labels, changed.other_labels) == ("/own.txt", ())


def test_missing_and_empty_keep_their_order(tmp_path: Path):
    (tmp_path / "full").write_bytes(b"x")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    assert missing_and_empty(tmp_path, ["z", "full", "folder", "empty", "a"]) == (("z", "folder", "a"), ("empty",))


@pytest.mark.parametrize(
    ("name", "leads"), [("a/b", False), ("a/../b", False), ("../b", True), ("a/../../b", True), ("/a", True)]
)
def test_paths_lead_outside(name: str, leads: bool):
    assert leads_outside(name) is leads


def test_many_names_are_shortened():
    names = [f"n{number}" for number in range(7)]
    assert several(names) == "n0, n1, n2, n3, n4, ..."
    assert unusable(names[:1], ()) == ("1 missing: n0",)
