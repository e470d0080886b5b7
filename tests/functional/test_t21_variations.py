"""T21: variations that were asked for and contradict each other are an error by name; a default yields silently."""

from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo", "t21")
    repo.package(
        "t21-thing",
        "t21,thing",
        files={"a": "b"},
        variations={
            "red": {"extra_env": {"T21_COLOUR": "red"}},
            "blue": {"extra_env": {"T21_COLOUR": "blue"}},
            "usual": {"extra_env": {"T21_COLOUR": "grey"}, "on_by_default": "yes"},
            "other": {"extra_env": {"T21_SIZE": "1"}},
            "same": {"extra_env": {"T21_COLOUR": "red"}},
        },
    )
    return Loom(tmp_path / "home", repo)


def _variations(loom: Loom, words: str) -> list[str]:
    node = loom.here("plan", f"--tags=t21,thing{words}", "--json").ok().node("target")
    return node["candidate"]["variations"]


def test_t21_plan_contradicting_variations_names_both(loom: Loom):
    answer = loom.here("plan", "--tags=t21,thing,_red,_blue")

    assert answer.code == 3
    assert "variations 'blue' and 'red' set T21_COLOUR to different values ('blue' and 'red')" in answer.err
    assert "  fix: choose other variations than _blue,_red in --tags\n" in answer.err


def test_t21_plan_default_variation_yields_to_what_was_asked_for(loom: Loom):
    assert _variations(loom, "") == ["usual"]
    assert _variations(loom, ",_red") == ["red"]
    assert _variations(loom, ",_other") == ["other", "usual"]
    assert _variations(loom, ",_other,-_usual") == ["other"]


def test_plan_variations_that_agree_go_together(loom: Loom):
    assert _variations(loom, ",_red,_same") == ["red", "same"]


def test_plan_unknown_variation_names_the_nearest(loom: Loom):
    answer = loom.here("plan", "--tags=t21,thing,_rde")

    assert answer.code == 3
    assert "it has no variation 'rde', did you mean 'red'?" in answer.err
