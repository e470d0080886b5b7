"""``loom new``: skeletons that read well from the first moment."""

import json
import os
from pathlib import Path

import pytest

from benchloom.model.component import KINDS
from support.repo import Loom, Repo

CASES = [(kind, "") for kind in KINDS] + [("package", "python-library"), ("package", "archive")]


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    return Loom(tmp_path / "home", Repo(tmp_path / "repo", "trial"))


@pytest.mark.parametrize(("kind", "template"), CASES)
def test_new_component_of_any_kind_lints_with_gaps_for_the_author_only(loom: Loom, kind: str, template: str):
    extra = [f"--template={template}"] if template else []
    made = loom.here("new", f"{kind}:first", *extra, "--json").ok().json
    assert all(Path(file).is_file() for file in made["files"])
    assert any("FIXME" in step for step in made["next"])
    said = loom.here("lint", made["folder"], "--json").ok().json
    assert {(item["rule"], item["severity"]) for item in said} == {("filled-in", "info")}
    found = loom.here("find", f"{kind}:first", "--json").ok().json
    assert (found[0]["repo"], len(found[0]["tags"])) == ("trial", 3)
    assert len(found[0]["uid"]) == 16


def test_new_text_prints_the_files_and_talks_about_what_is_next(loom: Loom, tmp_path: Path):
    answer = loom.here("new", "soft:first").ok()
    folder = tmp_path / "repo/soft/first/.cm"
    assert answer.out.split() == [str(folder / name) for name in ("meta.json", "info.json", "desc.json")]
    assert "loom lint" in answer.err


def test_new_program_runs_as_it_is(loom: Loom):
    loom.here("new", "program:first").ok()
    answer = loom("run", "program:first", "--count=3")
    assert answer.code == 0, answer.err


def test_new_in_a_folder_that_is_no_repository_yet_says_how_to_add_it(loom: Loom, tmp_path: Path):
    made = loom.here("new", "package:net", "--dir", str(tmp_path / "mine"), "--tags=model,onnx,net", "--json").ok().json
    assert made["next"][-1] == f"loom repo add {tmp_path / 'mine'}"
    meta = json.loads((tmp_path / "mine/package/net/.cm/meta.json").read_text())
    assert meta["tags"] == ["model", "onnx", "net"]
    loom.here("repo", "add", str(tmp_path / "mine")).ok()
    assert loom.here("find", "package:net", "--tags=net,onnx", "--json").ok().json[0]["repo"] == "mine"


def test_new_never_overwrites(loom: Loom, tmp_path: Path):
    folder = tmp_path / "repo/program/first"
    folder.mkdir(parents=True)
    refused = loom.here("new", "program:first")
    assert refused.code == 2
    assert "exists already" in refused.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["first", "package:", "packag:first", "package:../first", "package:A b"])
def test_new_with_a_name_that_is_none_exits_2_and_writes_nothing(loom: Loom, tmp_path: Path, name: str):
    before = sorted((tmp_path / "repo").rglob("*"))
    assert loom.here("new", name).code == 2
    assert sorted((tmp_path / "repo").rglob("*")) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_new_skips_a_repository_that_cannot_be_written(tmp_path: Path):
    loom = Loom(tmp_path / "home", Repo(tmp_path / "first", "first"), Repo(tmp_path / "second", "second"))
    (tmp_path / "first").chmod(0o555)
    try:
        assert str(tmp_path / "second") in loom.here("new", "soft:mine").out
    finally:
        (tmp_path / "first").chmod(0o755)
