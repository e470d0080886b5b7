from pathlib import Path

import pytest

from support.repo import Loom, Repo, uid_of


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo")
    repo.program(
        "show-app",
        "show-trial",
        summary="An app",
        inputs={"mode": {"summary": "how", "choices": ["fast", "slow"], "default": "fast"}},
        run_deps={"tool": {"tags": "show-tool,-old", "optional": "yes"}},
        colour="blue",
    )
    repo.write("package", "show-broken", "{not json")
    return Loom(tmp_path / "home", repo)


def test_show_of_a_program_tells_inputs_needs_files_and_findings(loom: Loom):
    out = loom.here("show", "program:show-app").ok().out
    assert out.startswith("program:show-app - An app\n")
    for expected in ("--mode  str  how; one of fast, slow; default fast", "main.py", "show-tool,-old  optional"):
        assert expected in out
    assert "unknown key 'colour'" in out
    assert "versions" not in out


def test_show_by_alias_and_uid_is_the_same(loom: Loom):
    expected = loom.here("show", "program:show-app").ok().out
    assert loom.here("show", "show-app").ok().out == expected
    assert loom.here("show", uid_of("program:show-app")).ok().out == expected


def test_show_as_json_is_the_component(loom: Loom):
    shown = loom.here("show", "show-app", "--json").ok().json
    assert (shown["repo"], shown["path"]) == ("trial", "program/show-app")
    assert shown["program"]["inputs"][0]["choices"] == ["fast", "slow"]


def test_show_of_an_unknown_name_gives_the_nearest(loom: Loom):
    answer = loom("show", "show-ap")
    assert answer.code == 2
    assert "did you mean 'show-app'?" in answer.err


def test_show_of_a_broken_component_says_where(loom: Loom):
    answer = loom.here("show", "package:show-broken")
    assert answer.code == 2
    assert "package/show-broken/.cm/meta.json:1" in answer.err
