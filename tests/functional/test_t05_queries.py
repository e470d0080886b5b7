"""T5 and T6: one meaning of a query whatever the verb, and no silent typing mistakes."""

from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "t05")
    repo.script("t05-foo", "t05,get,thing,foo")
    repo.script("t05-bar", "t05,get,thing,bar", variations={"quick": {}, "batch.#": {"env": {"T05_BATCH": "#"}}})
    return repo


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("t05,thing,-bar", "script:t05-foo"),
        ("t05,thing,-foo", "script:t05-bar"),
        ("t05,thing,quick", "script:t05-bar"),
        ("t05,thing,_quick", "script:t05-bar"),
        ("t05,thing,-quick", "script:t05-foo"),
        ("t05,thing,_batch.4", "script:t05-bar"),
    ],
)
def test_t05_find_and_plan_agree_on_one_component(loom: Loom, query: str, expected: str):
    found = loom.here("find", f"--tags={query}", "--json").ok().json
    planned = loom.here("plan", f"--tags={query}", "--json")

    assert [item["ref"] for item in found] == [expected]
    if "_" in query:  # a plan refuses components without the variation, and lists them where that leaves nothing
        assert planned.ok().node("target")["candidate"]["component"] == expected
    else:
        assert planned.ok().json["target"] == expected


def test_plan_parameter_value_reaches_the_environment(loom: Loom):
    node = loom.here("plan", "--tags=t05,thing,_batch.4", "--json").ok().node("target")

    assert node["candidate"]["variations"] == ["batch.4"]
    assert node["env"]["T05_BATCH"] == "4"


def test_plan_unknown_tag_is_an_input_error_with_the_nearest(loom: Loom):
    answer = loom.here("plan", "--tags=t05,thng")

    assert answer.code == 2
    assert "no component has the tag 'thng'" in answer.err
    assert "did you mean 'thing'?" in answer.err


def test_t06_plan_override_of_an_unknown_role_names_the_nearest(repo: Repo, loom: Loom):
    repo.package("t05-python", "t05,python", versions=[{"version": "3.10"}, {"version": "3.11"}], files={"a": "b"})
    repo.program("t05-app", "t05,app", run_deps={"python": {"tags": "t05,python"}})

    wrong = loom.here("plan", "program:t05-app", "--adr.pyhton.version=3.10")
    assert wrong.code == 2
    assert wrong.err == (
        "loom: the plan has no role 'pyhton'\n"
        "  where: --adr.pyhton.version\n"
        "  fix: did you mean 'python'? (its roles are python, target)\n"
    )
    right = loom.here("plan", "program:t05-app", "--adr.python.version=3.10", "--json").ok()
    assert right.node("python")["candidate"]["version"] == "3.10"


@pytest.mark.parametrize("query", ["t05,-", "t05,_", "t05,a b", "t05,-t05", "t05,@>=", "t05,@1.2 beta"])
def test_plan_query_that_cannot_be_read_is_an_input_error_with_a_fix(loom: Loom, query: str):
    answer = loom.here("plan", f"--tags={query}")

    assert answer.code == 2
    assert "  fix: " in answer.err
