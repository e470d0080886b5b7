"""Graphs that take a plain search beyond all bounds end soon: with a plan, or with what cannot be and why."""

from pathlib import Path

import pytest

from support.repo import Loom, Repo

VERSIONS = [{"version": f"1.{minor}"} for minor in range(10)]
ROW = 20


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "hard")
    repo.package("tool", "hard,tool", versions=[{"version": "1.0"}, {"version": "2.0"}], files={"tool": "x"})
    return repo


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def _row(repo: Repo) -> None:
    """Write packages of ten versions each of which needs the next, and a program that needs the first and a new tool."""
    for number in range(ROW):
        deps = {f"r{number + 1}": {"tags": f"hard,f{number + 1}"}}
        repo.package(f"f{number}", f"hard,f{number}", versions=VERSIONS, deps=deps, files={"f": "x"})
    repo.program("app", "hard,app", run_deps={"r0": {"tags": "hard,f0"}, "tool": _tool("version_from", 2, 0)})


def _tool(key: str, *version: int) -> dict[str, object]:
    return {"tags": "hard,tool", key: list(version)}


def test_plan_row_of_many_versions_that_all_need_an_older_tool_says_who_disagrees(repo: Repo, loom: Loom):
    _row(repo)
    old = {"tool": _tool("version_to", 1, 9)}
    repo.package("last", f"hard,f{ROW}", versions=VERSIONS, deps=old, files={"f": "x"})

    answer = loom.here("plan", "program:app")

    assert answer.code == 3
    assert answer.err == (
        "loom: no version of tool satisfies >=2.0,<=1.9\n"
        "  where: role tool\n"
        "  why: package:last needs hard,tool,@<=1.9 (package/last/.cm/meta.json: deps.tool)\n"
        "  why: program:app needs hard,tool,@>=2.0 (program/app/.cm/meta.json: run_deps.tool)\n"
        "  why: package:tool has 1.0, 2.0\n"
        "  fix: relax one of the ranges, for instance @>=2.0 in program/app/.cm/meta.json: run_deps.tool\n"
    )


def test_plan_row_whose_last_need_has_another_answer_takes_that(repo: Repo, loom: Loom):
    _row(repo)
    old, new = {"tool": _tool("version_to", 1, 9)}, {"tool": _tool("version_from", 2)}
    repo.package("last", f"hard,f{ROW}", versions=VERSIONS, deps=old, files={"f": "x"}, priority=2)
    repo.package("other", f"hard,f{ROW}", deps=new, files={"f": "x"})

    plan = loom.here("plan", "program:app", "--json").ok()

    assert plan.node(f"r{ROW}")["candidate"]["component"] == "package:other"
    assert plan.node("tool")["candidate"]["version"] == "2.0"
    assert len(plan.json["nodes"]) == ROW + 3


def test_plan_two_roles_that_disagree_on_their_one_family_among_many_others_are_named(repo: Repo, loom: Loom):
    for number in range(ROW):
        repo.package(f"f{number}", f"hard,f{number}", versions=VERSIONS, files={"f": "x"})
    repo.package("library", "hard,library", versions=VERSIONS, files={"f": "x"})
    needs = {f"r{number}": {"tags": f"hard,f{number}"} for number in range(ROW)}
    pair = {
        "a": {"tags": "hard,library", "version_to": [1, 4]},
        "z": {"tags": "hard,library", "version_from": [1, 5]},
    }
    repo.program("app", "hard,app", run_deps={**needs, **pair})

    answer = loom.here("plan", "program:app")

    assert answer.code == 3
    assert answer.err.startswith("loom: package:library can be in a plan only once, but a and z need different ones\n")


def test_plan_more_roles_than_places_ends_with_one_of_the_conflicts(repo: Repo, loom: Loom):
    birds = 12
    for hole in range(birds - 1):
        versions = [{"version": f"{bird}.0"} for bird in range(birds)]
        repo.package(f"hole{hole}", f"hard,hole{hole}", versions=versions, files={"f": "x"})
        for bird in range(birds):
            need = {"tags": f"hard,hole{hole}", "version_from": [bird], "version_to": [bird]}
            repo.package(f"bird{bird}-{hole}", f"hard,bird{bird}", deps={f"hole{hole}": need}, files={"f": "x"})
    repo.program("app", "hard,app", run_deps={f"bird{bird}": {"tags": f"hard,bird{bird}"} for bird in range(birds)})

    answer = loom.here("plan", "program:app")

    assert answer.code == 3
    assert "loom: no solution was found within 20,000 steps\n  where: target\n" in answer.err
    assert "  why: the last of many conflicts: no version of hole" in answer.err
