"""``loom verify``: bytes that differ are found, named and told apart from what is well."""

import os
from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo", "trial")
    repo.package("one", "trial,one", files={"a.txt": "one", "b.txt": "two"}, version="1")
    repo.package("two", "trial,two", files={"a.txt": "one"}, version="1")
    return Loom(tmp_path / "home", repo)


def install(loom: Loom, name: str) -> tuple[str, Path]:
    """Install and return the key and the content folder of the entry."""
    node = loom.here("install", name, "--json").ok().json["nodes"][0]
    return node["key"], loom.home / "store/entries" / node["key"] / "content"


def test_verify_empty_store_is_well(loom: Loom):
    assert loom.here("verify", "--json").ok().json == []


def test_verify_sound_entries_pass(loom: Loom):
    keys = {install(loom, name)[0] for name in ("package:one", "package:two")}
    found = loom.here("verify", "--json").ok().json
    assert {(item["subject"], item["severity"]) for item in found} == {(key, "pass") for key in keys}


@pytest.mark.parametrize(
    ("damage", "rule"),
    [("change", "store-file-changed"), ("remove", "store-file-missing"), ("add", "store-file-extra")],
)
def test_verify_damaged_entry_exits_5_and_names_the_file(loom: Loom, damage: str, rule: str):
    key, content = install(loom, "package:one")
    os.chmod(content, 0o755)
    if damage == "change":
        os.chmod(content / "a.txt", 0o644)
        (content / "a.txt").write_text("0ne")
    elif damage == "remove":
        (content / "a.txt").unlink()
    else:
        (content / "c.txt").write_text("c")
    answer = loom.here("verify", "--json")
    assert answer.code == 5
    wrong = [item for item in answer.json if item["severity"] == "error"]
    name = "c.txt" if damage == "add" else "a.txt"
    assert [(item["rule"], item["subject"], item["file"]) for item in wrong] == [(rule, key, name)]
    assert f"loom gc --remove {key}" in wrong[0]["fix"]


def test_verify_key_looks_at_that_entry_only(loom: Loom):
    key, content = install(loom, "package:one")
    other, _ = install(loom, "package:two")
    os.chmod(content / "a.txt", 0o644)
    (content / "a.txt").write_text("0ne")
    assert loom.here("verify", other[:12]).code == 0
    assert loom.here("verify", key).code == 5


def test_verify_unknown_key_exits_2(loom: Loom):
    install(loom, "package:one")
    answer = loom.here("verify", "absent")
    assert answer.code == 2
    assert "no entry 'absent'" in answer.err
