"""T1 and T2: what is installed never changes what a query means, and whatever changes a result changes its key."""

from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo", "t01")
    repo.package(
        "t01-thing",
        "t01,thing",
        files={"thing.txt": "thing"},
        version="1.0",
        variations={
            "small": {"group": "size", "default": True, "env": {"T01_SIZE": "small"}},
            "big": {"group": "size", "env": {"T01_SIZE": "big"}},
        },
    )
    return Loom(tmp_path / "home", repo)


def test_t01_plan_default_after_big_was_installed_obtains_small(loom: Loom):
    clean = loom("plan", "--tags=t01,thing", "--json").ok().node("target")
    loom("install", "--tags=t01,thing,_big").ok()

    node = loom("plan", "--tags=t01,thing", "--json").ok().node("target")
    assert node == clean
    assert node["candidate"]["variations"] == ["small"]
    assert node["action"] == "fetch"
    installed = loom("install", "--tags=t01,thing", "--json").ok().json["nodes"]
    assert [item["key"] for item in installed] == [node["key"]]
    assert loom("plan", "--tags=t01,thing", "--json").ok().node("target")["action"] == "reuse"


def test_t02_plan_with_env_that_the_component_reads_gives_another_key(loom: Loom):
    loom("install", "--tags=t01,thing").ok()
    stored = loom.here("plan", "--tags=t01,thing", "--json").ok().node("target")
    custom = loom.here("plan", "--tags=t01,thing", "--env.T01_SIZE=custom", "--json").ok().node("target")

    assert stored["action"] == "reuse"
    assert custom["action"] == "fetch"
    assert custom["candidate"]["origin"] == "installable"
    assert custom["env"]["T01_SIZE"] == "custom"
    assert custom["key"] != stored["key"]


def test_t02_plan_with_env_that_nothing_reads_keeps_the_key(loom: Loom):
    plain = loom.here("plan", "--tags=t01,thing", "--json").ok().node("target")
    other = loom.here("plan", "--tags=t01,thing", "--env.T01_UNHEARD=1", "--json").ok().node("target")

    assert other["key"] == plain["key"]


def test_plan_after_a_file_of_the_component_changed_gives_another_key(loom: Loom, tmp_path: Path):
    loom("install", "--tags=t01,thing").ok()
    before = loom.here("plan", "--tags=t01,thing", "--json").ok().node("target")
    (tmp_path / "repo/package/t01-thing/extra.txt").write_text("changes what a build may do")
    after = loom.here("plan", "--tags=t01,thing", "--json").ok().node("target")

    assert before["action"] == "reuse"
    assert after["key"] != before["key"]
    assert (after["action"], after["candidate"]["origin"]) == ("fetch", "installable")
