"""What the real `ck` installs: shared with loom, by variations, and never from what a failed installation left."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.ck import ROOT, Ck
from support.repo import Loom, Repo
from support.server import FileServer

SHORT = ("--env.LOOM_INPUT_MODE=accuracy", "--env.LOOM_INPUT_COUNT=20")
DIGITS = ROOT / "package" / "model-digits-onnx"
KEPT = ("needs", "model", "result")


def repository(root: Path, url: str) -> Repo:
    """Write a repository with the digits as a download, and a variation of it that is another download."""
    meta: dict[str, Any] = json.loads((DIGITS / ".cm" / "meta.json").read_text())
    fetch = {"digest": meta["fetch"][0]["digest"], "filename": "digits.onnx"}
    repo = Repo(root, "served")
    repo.entry(
        "package",
        "model-served",
        "model,image-classification,served,onnx",
        soft_uoa="ml-model",
        fetch=[{**fetch, "url": f"{url}/plain.onnx"}],
        variations={"again": {"fetch": [{**fetch, "url": f"{url}/again.onnx"}], "extra_tags": ["second"]}},
        suggested_path="model-served",
        _base_entry=meta["_base_entry"],
        **{key: meta[key] for key in KEPT},
    )
    return repo


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    served = tmp_path / "served"
    served.mkdir()
    for name in ("plain.onnx", "again.onnx"):
        (served / name).write_bytes((DIGITS / "digits.onnx").read_bytes())
    with FileServer(served) as running:
        yield running


@pytest.fixture
def ck(tmp_path: Path, server: FileServer) -> Iterator[Ck]:
    """`ck` that knows both repositories, where loom knows only its own."""
    repo = repository(tmp_path / "repository", server.base)
    Loom(tmp_path / "loom").here("repo", "sync", str(repo.root)).ok()
    made = Ck(tmp_path / "home", ROOT, repo.root)
    yield made
    made.tidy()


def installed(ck: Ck) -> list[Path]:
    """Return the facts files of what `ck` installed of the served model."""
    return sorted(ck.home.glob("tools/model-served*/loom.json"))


def test_ck_and_loom_download_one_file_once(ck: Ck, server: FileServer, tmp_path: Path):
    ck.ok("install", "package", "--tags=model,served", "--quiet")
    by_ck = ck.run(*SHORT, "--dep_add_tags.model=served")
    ck.repos.append(Repo(tmp_path / "repository", "served"))
    by_loom = ck.loom(
        "run", "program:image-classification-onnx", "--mode=accuracy", "--count=20", "--dep_add_tags.model=served"
    )
    assert by_ck["accuracy"] == by_loom["results"]["accuracy"]
    assert server.requests == {"/plain.onnx": 1}


def test_ck_installs_what_loom_downloaded_without_a_request(ck: Ck, server: FileServer, tmp_path: Path):
    ck.repos.append(Repo(tmp_path / "repository", "served"))
    ck.loom("install", "package:model-served")
    ck.run(*SHORT, "--dep_add_tags.model=served")
    assert server.requests == {"/plain.onnx": 1}


def test_ck_installs_and_runs_the_variation_its_tags_name(ck: Ck, server: FileServer):
    ck.ok("install", "package", "--tags=model,served,again", "--quiet")
    [facts] = [json.loads(path.read_text()) for path in installed(ck)]
    assert facts["variations"] == ["again"]
    assert "again" in ck.ok("show", "env", "--tags=served,again")
    assert ck.run(*SHORT, "--dep_add_tags.model=served,again")["accuracy"]["total"] == 20
    assert server.requests == {"/again.onnx": 1}


def test_ck_install_that_fails_satisfies_no_later_run(ck: Ck, server: FileServer):
    server.behave("plain.onnx", wrong_bytes=True)
    failed = ck.call("install", "package", "--tags=model,served", "--quiet")
    assert failed.returncode != 0
    assert "digest" in failed.stderr
    assert installed(ck) == []
    assert ck.environments == set()
    run = (
        "run",
        "program:image-classification-onnx",
        "--quiet",
        "--generate_rnd_tmp_dir",
        "--dep_add_tags.model=served",
    )
    assert ck.call(*run).returncode != 0
    server.behave("plain.onnx", wrong_bytes=False)
    assert ck.run(*SHORT, "--dep_add_tags.model=served")["model"] == "digits"
    assert len(installed(ck)) == 1


def test_ck_detects_a_data_set_where_it_is_told_to_look(ck: Ck, tmp_path: Path):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "val_map.txt").write_text("ILSVRC2012_val_00000001.JPEG 65\n")
    shutil.copy(ROOT / "dataset/digits-val/images/digits_val_00000001.JPEG", folder / "ILSVRC2012_val_00000001.JPEG")
    ck.ok("detect", "soft:dataset.imagenet.val", f"--search_dirs={folder}", "--quiet")
    ck.ok("detect", "soft", "--tags=dataset,imagenet", f"--full_path={folder / 'val_map.txt'}", "--quiet")
    [uid] = ck.environments
    assert str(folder / "val_map.txt") in ck.ok("cat", f"env:{uid}")
