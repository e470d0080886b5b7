"""``loom doctor``: what is amiss is said with its remedy, and nothing is changed by looking."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from support.repo import Loom, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "trial")
    repo.package("thing", "trial,thing", files={"a.txt": "one"}, version="1")
    return repo


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def said(loom: Loom, rule: str, code: int = 0) -> list[dict[str, Any]]:
    answer = loom.here("doctor", "--json")
    assert answer.code == code, answer.out
    return [item for item in answer.json if item["rule"] == rule]


def test_doctor_every_check_says_something_and_text_has_a_line_for_each(loom: Loom):
    found = loom.here("doctor", "--json").ok().json
    rules = {item["rule"] for item in found}
    assert {"python", "engine", "pip", "git", "disk", "proxy", "home", "store", "locks", "repository"} <= rules
    assert len(loom.here("doctor").ok().out.splitlines()) == len(found)
    assert all(item.get("fix") for item in found if item["severity"] in {"warning", "error"})


def _files(folder: Path) -> list[tuple[Path, int]]:
    """Files with their times; trying a lock may touch its file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted((path, 0 if path.suffix == ".lock" else path.stat().st_mtime_ns) for path in files)


def test_doctor_changes_nothing(loom: Loom, tmp_path: Path):
    loom.here("install", "package:thing").ok()
    before = _files(tmp_path)
    loom.here("doctor").ok()
    assert _files(tmp_path) == before


def test_doctor_home_that_is_not_there_is_not_made(tmp_path: Path):
    loom = Loom(tmp_path / "home", LOOM_HOME=str(tmp_path / "absent"))
    loom.here("doctor").ok()
    assert not (tmp_path / "absent").exists()


def test_doctor_folder_of_a_repository_gone_is_an_error(loom: Loom, repo: Repo):
    shutil.rmtree(repo.root)
    found = [item for item in said(loom, "repository", code=1) if item["severity"] == "error"]
    assert [(item["subject"], item["fix"]) for item in found] == [("trial", "loom repo remove trial")]


def test_doctor_never_advises_to_rewrite_a_repository_that_was_added(loom: Loom, repo: Repo):
    found = {item["subject"]: item for item in said(loom, "repository")}
    assert (found["trial"]["severity"], found["trial"].get("fix", "")) == ("pass", "")
    assert "identity-drift" in loom.here("lint", str(repo.root)).out  # asked for by name


def test_doctor_identity_that_cannot_be_read_is_an_error_of_that_check_alone(loom: Loom, repo: Repo):
    (repo.root / ".ckr.json").write_text("[")
    answer = loom.here("doctor", "--json")
    assert answer.code == 1
    assert {item["rule"] for item in answer.json if item["severity"] == "error"} == {"repository"}
    assert "components" in {item["rule"] for item in answer.json}


def test_doctor_broken_component_is_counted_and_lint_named(loom: Loom, repo: Repo):
    repo.write("package", "broken", "{")
    found = said(loom, "components")[0]
    assert "package:broken" in found["message"]
    assert found["fix"] == "loom lint"


def test_doctor_store_tells_idle_broken_and_half_done_entries(loom: Loom):
    key = loom.here("install", "package:thing", "--json").ok().json["nodes"][0]["key"]
    store = loom.home / "store"
    (store / "stage/deadbeef.1.aa").mkdir(parents=True)
    (store / "quarantine/deadbeef.bb").mkdir(parents=True)
    messages = " | ".join(item["message"] for item in said(loom, "store"))
    assert "1 entries" in messages
    assert "needs 1 entries" not in messages  # what was installed is needed until somebody says otherwise
    assert "1 unfinished builds were left" in messages
    assert "1 damaged entries" in messages
    file = store / "entries" / key / "entry.json"
    file.chmod(0o644)
    file.write_text("{")
    assert any("1 entries cannot be read" in item["message"] for item in said(loom, "store"))
    assert (store / "entries" / key).is_dir()


def test_doctor_unreadable_root_of_the_store_is_an_error(loom: Loom):
    root = loom.home / "store/roots/record-x.json"
    root.parent.mkdir(parents=True)
    root.write_text("{")
    assert "error" in {item["severity"] for item in said(loom, "store", code=1)}


def test_doctor_lock_that_is_held_is_named(loom: Loom):
    folder = loom.home / "store/locks"
    folder.mkdir(parents=True)
    with FileLock(folder / "somekey.lock"):
        assert "somekey" in said(loom, "locks")[0]["message"]
    assert said(loom, "locks")[0]["severity"] == "pass"


def test_doctor_proxies_are_shown_without_credentials(tmp_path: Path):
    proxies = {"HTTP_PROXY": "http://me:secret@proxy.invalid:3128", "https_proxy": "me:secret@proxy.invalid:1"}
    loom = Loom(tmp_path / "home", **proxies)
    answer = loom.here("doctor", "--json").ok()
    shown = " ".join(item["message"] for item in json.loads(answer.out) if item["rule"] == "proxy")
    assert "proxy.invalid:3128" in shown
    assert "secret" not in answer.out + answer.err


def test_doctor_without_git_is_a_warning(tmp_path: Path):
    loom = Loom(tmp_path / "home", PATH=str(tmp_path))
    assert said(loom, "git")[0]["severity"] == "warning"
