"""T3 and the other conflicts: nothing runs, and the message names who needs what, where, and what would fix it."""

from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "t03")
    versions = [{"version": version} for version in ("1.9", "2.1", "3.0")]
    repo.package("t03-tool", "t03,tool", soft_uoa="t03-tools", versions=versions, files={"tool": "x"})
    return repo


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def _message(loom: Loom, *words: str) -> str:
    answer = loom.here("plan", *words)
    assert (answer.code, answer.out) == (3, "")
    return answer.err


def test_t03_plan_two_ranges_on_one_role_names_both_requirers(repo: Repo, loom: Loom):
    need = {"tags": "t03,tool", "version_to": [1, 9]}
    repo.program("t03-app", "t03,app", run_deps={"tool": need, "helper": {"tags": "t03,helper"}})
    repo.script("t03-helper", "t03,helper", deps=[{"tags": "t03,tool", "names": ["tool"], "version_min": "2.0"}])

    assert _message(loom, "program:t03-app") == (
        "loom: no version of tool satisfies >=2.0,<=1.9\n"
        "  where: role tool\n"
        "  why: program:t03-app needs t03,tool,@<=1.9 (program/t03-app/.cm/meta.json: run_deps.tool)\n"
        "  why: script:t03-helper needs t03,tool,@>=2.0 (script/t03-helper/_cm.yaml: deps.0)\n"
        "  why: package:t03-tool has 1.9, 2.1, 3.0\n"
        "  fix: relax one of the ranges, for instance @>=2.0 in script/t03-helper/_cm.yaml: deps.0\n"
    )


def test_t03_install_of_conflicting_versions_touches_nothing(repo: Repo, loom: Loom):
    need = {"tags": "t03,tool", "version_to": [1, 9]}
    repo.program("t03-app", "t03,app", run_deps={"tool": need, "helper": {"tags": "t03,helper"}})
    repo.script("t03-helper", "t03,helper", deps=[{"tags": "t03,tool", "names": ["tool"], "version_min": "2.0"}])

    assert loom("install", "program:t03-app").code == 3
    entries = loom.home / "store" / "entries"
    assert not entries.exists() or not list(entries.iterdir())


def test_plan_one_family_through_two_roles_says_what_each_could_be(repo: Repo, loom: Loom):
    needs = {"tool": {"tags": "t03,tool", "version_to": [1, 9]}, "other": {"tags": "t03,tool", "version_from": [2]}}
    repo.program("t03-app", "t03,app", run_deps=needs)

    assert _message(loom, "program:t03-app") == (
        "loom: soft:t03-tools can be in a plan only once, but other and tool need different ones\n"
        "  where: roles other, tool\n"
        "  why: program:t03-app needs t03,tool,@>=2 as other (program/t03-app/.cm/meta.json: run_deps.other)\n"
        "  why: program:t03-app needs t03,tool,@<=1.9 as tool (program/t03-app/.cm/meta.json: run_deps.tool)\n"
        "  why: other can be package:t03-tool @3.0, package:t03-tool @2.1\n"
        "  why: tool can be package:t03-tool @1.9\n"
        "  fix: relax one of the ranges, for instance @<=1.9 in program/t03-app/.cm/meta.json: run_deps.tool\n"
    )


def test_plan_two_roles_of_one_family_agree_where_they_can(repo: Repo, loom: Loom):
    needs = {"tool": {"tags": "t03,tool", "version_to": [2, 5]}, "any": {"tags": "t03,tool"}}
    repo.program("t03-app", "t03,app", run_deps=needs)

    answer = loom.here("plan", "program:t03-app", "--json").ok()
    assert answer.node("any") == answer.node("tool")
    assert answer.node("any")["candidate"]["version"] == "2.1"


def test_plan_unknown_tag_names_the_nearest(repo: Repo, loom: Loom):
    repo.program("t03-app", "t03,app", run_deps={"tool": {"tags": "t03,toool"}})

    assert _message(loom, "program:t03-app") == (
        "loom: no component matches t03,toool, required as tool\n"
        "  where: role tool\n"
        "  why: program:t03-app needs t03,toool (program/t03-app/.cm/meta.json: run_deps.tool)\n"
        "  why: no component has the tag 'toool'\n"
        "  fix: did you mean 'tool'?\n"
    )


def test_plan_known_tags_that_nothing_has_together_names_what_is_near(repo: Repo, loom: Loom):
    repo.program("t03-app", "t03,app", run_deps={"tool": {"tags": "t03,tool,app"}})

    assert _message(loom, "program:t03-app") == (
        "loom: no component matches app,t03,tool, required as tool\n"
        "  where: role tool\n"
        "  why: program:t03-app needs app,t03,tool (program/t03-app/.cm/meta.json: run_deps.tool)\n"
        "  why: package:t03-tool lacks app\n"
        "  fix: change the request in program/t03-app/.cm/meta.json: run_deps.tool, or list the components: loom find\n"
    )


def test_plan_variation_excluded_by_another_requirer_names_both(repo: Repo, loom: Loom):
    repo.package("t03-size", "t03,size", files={"a": "b"}, variations={"small": {"group": "size"}})
    needs = {"size": {"tags": "t03,size,_small"}, "helper": {"tags": "t03,helper"}}
    repo.program("t03-app", "t03,app", run_deps=needs)
    repo.script("t03-helper", "t03,helper", deps=[{"tags": "t03,size,-_small", "names": ["size"]}])

    assert _message(loom, "program:t03-app") == (
        "loom: no component that matches size,t03,_small,-_small can be size\n"
        "  where: role size\n"
        "  why: program:t03-app needs size,t03,_small (program/t03-app/.cm/meta.json: run_deps.size)\n"
        "  why: script:t03-helper needs size,t03,-_small (script/t03-helper/_cm.yaml: deps.0)\n"
        "  why: package:t03-size: variation 'small' is both requested and excluded\n"
        "  fix: choose other variations than _small in program/t03-app/.cm/meta.json: run_deps.size\n"
    )


def test_plan_circle_names_each_need_once(repo: Repo, loom: Loom):
    repo.program("t03-app", "t03,app", run_deps={"one": {"tags": "t03,one"}})
    repo.script("t03-one", "t03,one", deps=[{"tags": "t03,two", "names": ["two"]}])
    repo.script("t03-two", "t03,two", deps=[{"tags": "t03,one", "names": ["one"]}])

    assert _message(loom, "program:t03-app") == (
        "loom: components depend on each other in a cycle\n"
        "  where: script:t03-one, script:t03-two\n"
        "  why: script:t03-one needs script:t03-two as two (script/t03-one/_cm.yaml: deps.0)\n"
        "  why: script:t03-two needs script:t03-one as one (script/t03-two/_cm.yaml: deps.0)\n"
        "  fix: remove one of these requirements, or narrow its tags so that another component matches\n"
    )


def test_plan_component_that_needs_itself_is_a_circle(repo: Repo, loom: Loom):
    repo.script("t03-one", "t03,one", deps=[{"tags": "t03,one", "names": ["one"]}])

    assert "script:t03-one needs script:t03-one as one" in _message(loom, "--tags=t03,one")


def test_plan_equally_good_answers_lists_them(repo: Repo, loom: Loom):
    repo.package("t03-left", "t03,side")
    repo.package("t03-right", "t03,side")

    assert _message(loom, "--tags=t03,side") == (
        "loom: 2 components match side,t03 equally well, required as target\n"
        "  where: role target\n"
        "  why: the command line needs side,t03 (--tags)\n"
        "  why: package:t03-left matches\n"
        "  why: package:t03-right matches\n"
        "  fix: add a tag that only one has (--dep_add_tags.target=TAG), or mark one default_for this query\n"
    )
    repo.package("t03-right", "t03,side", default_for=["t03,side"])
    node = loom.here("plan", "--tags=t03,side", "--json").ok().node("target")
    assert node["candidate"]["component"] == "package:t03-right"
    assert node["reason"] == "marked default for this query; preferred over package:t03-left"


def test_plan_command_line_version_that_conflicts_is_named(repo: Repo, loom: Loom):
    repo.program("t03-app", "t03,app", run_deps={"tool": {"tags": "t03,tool", "version_to": [1, 9]}})

    message = _message(loom, "program:t03-app", "--adr.tool.version=2.1")
    assert "the command line needs @==2.1 (--adr.tool.version)" in message
    assert "  fix: relax one of the ranges, for instance @==2.1 in --adr.tool.version\n" in message


def test_plan_requirers_that_set_one_variable_differently_conflict(repo: Repo, loom: Loom):
    needs = {"tool": {"tags": "t03,tool", "env": {"T03_MODE": "a"}}, "helper": {"tags": "t03,helper"}}
    repo.program("t03-app", "t03,app", run_deps=needs)
    repo.script("t03-helper", "t03,helper", deps=[{"tags": "t03,tool", "names": ["tool"], "env": {"T03_MODE": "b"}}])

    message = _message(loom, "program:t03-app")
    assert "program:t03-app sets its T03_MODE to 'a', script:t03-helper to 'b'" in message


def test_plan_conflict_as_json_lists_requirements(repo: Repo, loom: Loom):
    repo.program("t03-app", "t03,app", run_deps={"tool": {"tags": "t03,tool", "version_from": [9]}})

    answer = loom.here("plan", "program:t03-app", "--json")
    error = answer.json["error"]
    assert (answer.code, error["exit_code"], error["kind"]) == (3, 3, "ResolutionError")
    where = "program/t03-app/.cm/meta.json: run_deps.tool"
    need = {"role": "tool", "requirer": "program:t03-app", "query": "t03,tool,@>=9", "where": where}
    assert error["details"]["requirements"] == [need]
