"""Planning runs none of a repository's code: no command of a component that the user does not trust."""

from pathlib import Path

import pytest

from support.repo import Loom, Repo

VERBS = (
    ["plan", "program:app"],
    ["explain", "program:app"],
    ["graph", "program:app"],
    ["lock", "program:app", "--output=x.lock"],
    ["run", "--dry-run", "program:app"],
    ["plan", "--offline", "program:app"],
    ["detect"],
    ["doctor"],
    ["lint"],
    ["find"],
)


def hostile(repo: Repo, ran: Path) -> None:
    """Components that a need of the program reaches by tags, and that nobody chose."""
    blocks = {
        "shell": {"names": ["sh"], "version_arguments": ["-c", f"touch {ran}; echo 9.9"]},
        "touch": {"names": ["touch"], "version_arguments": [str(ran)]},
        "place": {"names": [f"../{repo.root.name}/soft/place/evil", str(repo.root / "soft/place/evil")]},
        "python": {"names": ["python3"], "version_arguments": ["-c", f"open({str(ran)!r}, 'w')"]},
        "env": {"names": ["env"], "version_arguments": ["touch", str(ran)]},
    }
    for name, block in blocks.items():
        repo.soft(name, "trial,tool,strange", detect={"executable": block})
    evil = repo.root / "soft" / "place" / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\n")
    evil.chmod(0o755)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "strange")
    repo.package("mine", "trial,tool,mine", version="1", files={"a.txt": "one"}, default_for=["trial,tool"])
    repo.program("app", "trial,app", code="pass", run_deps={"tool": {"tags": "trial,tool"}})
    return repo


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_no_command_of_a_strange_component_is_run(
    repo: Repo, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
):
    hostile(repo, tmp_path / "ran")
    monkeypatch.chdir(tmp_path)
    answer = Loom(tmp_path / "home", repo).here(*words)
    assert "internal error" not in answer.err
    assert not (tmp_path / "ran").exists()


def test_a_trusted_repository_may_have_its_commands_run_until_it_is_taken_back(repo: Repo, tmp_path: Path):
    ran = tmp_path / "ran"
    repo.soft("told", "trial,tool,told", detect={"executable": {"names": ["touch"], "version_arguments": [str(ran)]}})
    loom = Loom(tmp_path / "home")
    loom.here("repo", "add", str(repo.root)).ok()
    plan = ("plan", "program:app")

    loom.here(*plan).ok()
    assert not ran.exists()

    assert "trusted" in loom.here("repo", "trust", "strange").ok().out
    assert loom.here("repo", "list", "--json").ok().json[0]["trusted"] is True
    loom.here(*plan).ok()
    assert ran.exists()

    ran.unlink()
    loom.here("repo", "trust", "strange", "--no").ok()
    loom.here(*plan).ok()
    assert not ran.exists()
    assert loom.here("repo", "trust", "absent").code == 2


def test_what_a_program_printed_is_remembered_until_the_program_changes(repo: Repo, tmp_path: Path):
    tool = tmp_path / "bin" / "trial-tool"
    tool.parent.mkdir()
    count = tmp_path / "count"
    repo.soft("tool", "trial,tool,counted", detect={"executable": {"names": ["trial-tool"]}})
    loom = Loom(tmp_path / "home", repo, PATH=f"{tool.parent}:/usr/bin:/bin")

    def version_after(text: str) -> str:
        tool.write_text(f"#!/bin/sh\necho >> {count}\necho {text}\n")
        tool.chmod(0o755)
        for _ in range(3):
            shown = loom.here("plan", "--tags=trial,tool,counted", "--json").ok().json
        return str(shown["nodes"][0]["candidate"]["version"])

    assert version_after("1.5") == "1.5"
    assert version_after("22.75") == "22.75"
    assert len(count.read_text().splitlines()) == 2
