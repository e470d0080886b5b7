"""ImageNet's label files and images as the real `ck` installs them, from stand-ins of the same layout."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.ck import ROOT, Ck
from support.repo import Loom, Repo
from support.served import served, tar
from support.server import FileServer

VAL = b"ILSVRC2012_val_00000001.JPEG 65\n"


@pytest.fixture
def ck(tmp_path: Path) -> Iterator[Ck]:
    (tmp_path / "files").mkdir()
    with FileServer(tmp_path / "files") as server:
        repo = Repo(tmp_path / "repository", "served")
        served(repo, server, "imagenet-2012-aux", tar("gz", **{"val.txt": VAL, "synsets.txt": b"n01440764\n"}))
        image = (ROOT / "dataset/digits-val/images/digits_val_00000001.JPEG").read_bytes()
        served(repo, server, "imagenet-2012-val-min", tar("", **{"ILSVRC2012_val_00000001.JPEG": image}))
        served(repo, server, "imagenet-2012-calibration", b"ILSVRC2012_val_00000001.JPEG 65\n")
        Loom(tmp_path / "loom").here("repo", "sync", str(repo.root)).ok()
        yield Ck(tmp_path / "home", ROOT, repo.root)


def facts(ck: Ck) -> dict[str, Any]:
    (path,) = ck.home.glob("tools/served-*/loom.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize("origin", ["", "from.berkeley"])
def test_ck_installs_the_label_files_of_an_origin(ck: Ck, origin: str):
    tags = ",".join(word for word in ("served,imagenet,2012,aux", origin) if word)
    ck.ok("install", "package", f"--tags={tags}", "--quiet")
    assert Path(facts(ck)["path"]).read_bytes() == VAL
    assert facts(ck)["variations"] == [origin or "from.dividiti"]
    assert "aux" in ck.ok("show", "env", "--tags=imagenet,2012,aux")


def test_ck_installs_the_subset_by_the_tags_that_its_users_know(ck: Ck):
    ck.ok("install", "package", "--tags=served,imagenet,2012,val,min,non-resized", "--quiet")
    assert (Path(facts(ck)["path"]) / "ILSVRC2012_val_00000001.JPEG").is_file()


def test_ck_installs_a_calibration_list(ck: Ck):
    ck.ok("install", "package", "--tags=served,calibration,imagenet,mlperf.option2", "--quiet")
    assert facts(ck)["variations"] == ["mlperf.option2"]
