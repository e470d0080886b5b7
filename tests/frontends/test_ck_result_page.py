"""The page that `ck display dashboard` serves: bounded, and text whatever the metadata of points hold."""

import json
from pathlib import Path

import pytest

from support.ck import ROOT, Ck
from support.repo import Repo

HOSTILE = "<img src=x onerror=alert(1)>"
EXPERIMENT = "bc0409fb61f0aa82"  # the uid of that kind in ck
POINTS, SHOWN = 520, 500


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "repository", "mine")
    (made.root / ".cm").mkdir()
    (made.root / ".cm" / "alias-a-experiment").write_text(f"{EXPERIMENT}\n")
    (made.root / ".cm" / f"alias-u-{EXPERIMENT}").write_text("experiment\n")
    return made


@pytest.fixture
def ck(tmp_path: Path, repo: Repo) -> Ck:
    return Ck(tmp_path / "home", ROOT, repo.root)


def html(ck: Ck, *words: str) -> str:
    """Return the page's table as the module gives it to the server."""
    return str(json.loads(ck.ok("show_points", "bench.mlperf.inference", *words, "--out=json"))["html"])


def test_metadata_of_points_are_text_and_the_newest_are_shown(ck: Ck, repo: Repo):
    folder = repo.entry("experiment", "many", "first,<b>bold</b>")
    measured = {"performance_valid": True, "performance_samples_per_second": 12.5, "accuracy_top1": 0.75}
    point = {"choices": {"data_uoa": HOSTILE, "env": {"LOOM_INPUT_SCENARIO": "Offline"}}}
    for number in range(POINTS):
        whole = {**point, "characteristics_list": [{"run": measured}]}
        (folder / f"ckp-{number:016}.0001.json").write_text(json.dumps(whole))
    page = html(ck)
    assert page.count("<tr>") == SHOWN + 1  # and the heads
    assert f"the newest {SHOWN} of {POINTS} points" in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "<td>Offline</td><td>12.5</td><td>VALID</td><td>0.75</td><td>first, &lt;b&gt;bold&lt;/b&gt;</td>" in page


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"choices": 1, "characteristics_list": [3]}', '{"choices": {"env": []}}']
)
def test_a_point_that_is_broken_does_not_hide_the_page(ck: Ck, repo: Repo, text: str):
    (repo.entry("experiment", "broken", "") / "ckp-1.0001.json").write_text(text)
    assert html(ck).count("<tr>") == 1 + 1


def test_without_points_the_page_says_how_to_record_one(ck: Ck):
    page = html(ck, "--cfg=<i>mine</i>")
    assert "Nothing is recorded yet" in page
    assert "There is no configuration &lt;i&gt;mine&lt;/i&gt;" in page
