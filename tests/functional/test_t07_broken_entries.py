"""T7: what is wrong with one entry is told with its place, and touches no command about another."""

import json
from pathlib import Path

import pytest

from support.repo import Loom, Repo, uid_of


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "t07")
    repo.package("t07-good", "t07,good", files={"a": "b"})
    return repo


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


BROKEN = {
    "not JSON": '{"tags": ["t07", "bad"],\n "summary": }',
    "a list": "[1, 2]",
    "nothing": "",
    "deep": "[" * 100_000,
    "infinite priority": '{"tags": ["t07", "bad"], "priority": Infinity}',
    "tags a number": '{"tags": 5, "variations": 7}',
    "needs a text": '{"tags": ["t07", "bad"], "run_deps": "tool"}',
    "a need a list": '{"tags": ["t07", "bad"], "run_deps": {"tool": ["x"]}}',
    "a range": '{"tags": ["t07", "bad"], "run_deps": {"tool": {"tags": "t07", "version": ">=>1"}}}',
    "a valid range of Python versions": '{"tags": ["t07", "good"], "versions": [{"version": "9", "requires_python": "../.."}]}',
    "a condition": '{"tags": ["t07", "bad"], "run_deps": {"tool": {"tags": "t07", "enable_if_env": ["x"]}}}',
    "a block of another type": '{"tags": ["t07", "bad"], "fetch": {"url": "x"}}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_t07_commands_about_another_entry_work(repo: Repo, loom: Loom, text: str):
    repo.write("package", "t07-bad", text)
    repo.write("program", "t07-bad", text)

    for _ in range(2):  # cold, then from the persisted index
        assert loom.here("plan", "--tags=t07,good").ok()
        assert "package:t07-good" in loom.here("find", "--tags=t07").ok().out
    answer = loom.here("plan", "program:t07-bad")
    assert answer.code in {0, 2}
    assert "internal error" not in answer.err


def test_t07_plan_of_a_broken_entry_says_file_and_line(repo: Repo, loom: Loom):
    repo.write("package", "t07-bad", BROKEN["not JSON"])

    answer = loom.here("plan", "package:t07-bad")
    assert answer.code == 2
    assert "package:t07-bad cannot be read" in answer.err
    assert "where: package/t07-bad/.cm/meta.json:2" in answer.err


def test_find_with_a_folder_that_may_not_be_read_shows_the_rest(repo: Repo, loom: Loom):
    folder = repo.package("t07-closed", "t07,closed")
    (folder / ".cm" / "meta.json").unlink()
    (folder / ".cm" / "meta.json").symlink_to(folder / ".cm" / "meta.json")

    assert "package:t07-good" in loom.here("find", "--tags=t07").ok().out


def test_t07_uid_of_digits_in_yaml_is_read_as_text(repo: Repo, loom: Loom):
    repo.write("script", "t07-digits", "alias: t07-digits\nuid: 1234567890123456\ntags: [t07, digits]\n", "_cm.yaml")

    found = loom.here("find", "--tags=t07,digits", "--json").ok().json
    assert [item["uid"] for item in found] == ["1234567890123456"]
    assert loom.here("plan", "script:1234567890123456").ok()


def test_t07_uid_of_two_entries_leaves_both_usable(repo: Repo, loom: Loom):
    folder = repo.package("t07-twin", "t07,twin", files={"a": "b"})
    uid = uid_of("package:t07-good")
    (folder / ".cm" / "info.json").write_text(json.dumps({"backup_data_uid": uid}))

    assert loom.here("plan", "--tags=t07,twin").ok()
    assert loom.here("plan", "--tags=t07,good").ok()
    ambiguous = loom.here("plan", uid)
    assert ambiguous.code == 2
    assert "package:t07-good" in ambiguous.err
    assert "package:t07-twin" in ambiguous.err
