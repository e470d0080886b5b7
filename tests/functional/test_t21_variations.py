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


@pytest.fixture
def tagged(tmp_path: Path) -> Loom:
    """Return a loom with a model of two opsets, each of which adds tags of its own, as CK's packages do."""
    repo = Repo(tmp_path / "tagged", "tagged")
    variations = {
        "first": {"group": "opset", "extra_tags": "opset-8,old"},
        "second": {"group": "opset", "extra_tags": ["opset-11", "both"], "default": True},
        "third": {"group": "opset", "extra_tags": "both"},
    }
    repo.package("t17-model", "t17,model", files={"a": "b"}, variations=variations)
    repo.program("t17-app", "t17,app", run_deps={"model": {"tags": "t17,model"}, "step": {"tags": "t17,step"}})
    repo.script("t17-step", "t17,step", deps=[{"tags": "t17,model,old", "names": ["model"]}])
    repo.program("t17-clash", "t17,clash", run_deps={"model": {"tags": "t17,opset-11"}, "step": {"tags": "t17,step"}})
    return Loom(tmp_path / "home", repo)


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("", "second"),
        (",opset-8", "first"),
        (",old,opset-8", "first"),
        (",opset-11", "second"),
        (",both", "second"),
        (",both,_third", "third"),
        (",-old", "second"),
    ],
)
def test_tag_that_a_variation_adds_chooses_it(tagged: Loom, words: str, chosen: str):
    node = tagged.here("plan", f"--tags=t17,model{words}", "--json").ok().node("target")
    assert node["candidate"]["variations"] == [chosen]


def test_tags_of_two_variations_of_a_group_are_a_conflict(tagged: Loom):
    answer = tagged.here("plan", "--tags=t17,model,opset-8,opset-11")
    assert answer.code == 3
    assert "are both in group 'opset'" in answer.err


def test_tag_that_a_variation_adds_holds_for_every_requirer(tagged: Loom):
    assert tagged.here("plan", "program:t17-app", "--json").ok().node("model")["candidate"]["variations"] == ["first"]
    answer = tagged.here("plan", "program:t17-clash")
    assert answer.code == 3
    assert "are both in group 'opset'" in answer.err
    assert tagged.here("find", "--tags=t17,old").ok().out.startswith("package:t17-model")
