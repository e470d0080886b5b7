"""T4 and T13: which candidate is taken, and that a version nobody knows satisfies no range."""

from pathlib import Path
from typing import Any

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo", "t04")


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def _tool(repo: Repo, *versions: str, alias: str = "t04-tool", **meta: Any) -> None:
    listed = [{"version": version} for version in versions]
    repo.package(alias, "t04,tool", versions=listed, files={"tool": alias}, soft_uoa="t04-tools", **meta)


def _chosen(loom: Loom, query: str = "t04,tool") -> tuple[str, str]:
    node = loom.here("plan", f"--tags={query}", "--json").ok().node("target")
    return node["candidate"]["version"], node["reason"]


def _install(loom: Loom, *versions: str) -> None:
    for version in versions:
        loom.here("install", f"--tags=t04,tool,@{version}").ok()


def test_t04_plan_all_installed_takes_the_default_version(repo: Repo, loom: Loom):
    _tool(repo, "1.9", "2.1", "3.0", default_version="2.1")
    _install(loom, "1.9", "2.1", "3.0")

    assert _chosen(loom) == ("2.1", "the default version")


def test_t04_plan_all_installed_without_default_takes_the_newest(repo: Repo, loom: Loom):
    _tool(repo, "1.9", "10.0", "3.0")
    _install(loom, "3.0", "10.0", "1.9")

    assert _chosen(loom) == ("10.0", "the highest version")


def test_plan_default_version_that_is_not_installed_still_wins(repo: Repo, loom: Loom):
    _tool(repo, "1.9", "2.1", default_version="2.1")
    _install(loom, "1.9")

    assert _chosen(loom) == ("2.1", "the default version")


def test_plan_default_version_outside_the_range_yields(repo: Repo, loom: Loom):
    _tool(repo, "1.9", "2.1", "3.0", default_version="3.0")

    assert _chosen(loom, "t04,tool,@<3") == ("2.1", "the highest version")


def test_plan_without_default_prefers_what_is_installed(repo: Repo, loom: Loom):
    _tool(repo, "1.9", "2.1")
    _install(loom, "1.9")

    assert _chosen(loom) == ("1.9", "already installed")


def test_plan_prefers_detected_over_installable(tmp_path: Path, repo: Repo):
    _tool(repo, "9.0")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "t04-tool").write_text("#!/bin/sh\necho tool 1.5\n")
    (folder / "t04-tool").chmod(0o755)
    repo.soft("t04-tools", "t04,tool", detect={"executable": {"names": ["t04-tool"]}})
    loom = Loom(tmp_path / "home", repo, PATH=f"{folder}:/usr/bin:/bin")

    node = loom.here("plan", "--tags=t04,tool", "--json").ok().node("target")
    assert (node["candidate"]["component"], node["candidate"]["version"]) == ("soft:t04-tools", "1.5")
    assert node["action"] == "detect"
    assert node["reason"] == "found on this machine; preferred over package:t04-tool"
    assert _chosen(loom, "t04,tool,@>=2")[0] == "9.0"


def test_plan_packages_of_one_family_take_the_newest_then_the_first_by_name(repo: Repo, loom: Loom):
    _tool(repo, "2.0", alias="t04-a")
    _tool(repo, "3.0", alias="t04-c")
    _tool(repo, "3.0", alias="t04-b")

    node = loom.here("plan", "--tags=t04,tool", "--json").ok().node("target")
    assert node["candidate"]["component"] == "package:t04-b"
    assert node["reason"] == "first by name; preferred over package:t04-a, package:t04-c"


def test_plan_priority_ranks_before_version(repo: Repo, loom: Loom):
    _tool(repo, "2.0", alias="t04-a", priority=1)
    _tool(repo, "3.0", alias="t04-b")

    assert _chosen(loom) == ("2.0", "higher priority; preferred over package:t04-b")


def test_t13_plan_versionless_candidate_does_not_satisfy_a_range(repo: Repo, loom: Loom):
    repo.package("t04-plain", "t04,plain", files={"a": "b"})

    assert loom.here("plan", "--tags=t04,plain").ok()
    answer = loom.here("plan", "--tags=t04,plain,@>=1.0")
    assert answer.code == 3
    assert "  why: package:t04-plain: its version is unknown, so it may not satisfy >=1.0\n" in answer.err
    assert "  fix: state the component's version, or remove @>=1.0 in --tags\n" in answer.err


def test_plan_ck_lists_of_numbers_are_inclusive_and_padded_with_zeros(repo: Repo, loom: Loom):
    _tool(repo, "1.2", "1.2.3", "1.10")
    need = {"tags": "t04,tool", "version_from": [1, 2], "version_to": [1, 2]}
    repo.program("t04-app", "t04,app", run_deps={"tool": need})

    answer = loom.here("plan", "program:t04-app", "--json").ok()
    assert answer.node("tool")["candidate"]["version"] == "1.2"
