"""A file of the user's own in the place of the one that a model component downloads: for one run, or from now on."""

from pathlib import Path

import pytest

from support.benchmark import TARGET, record_of, run
from support.repo import Loom
from support.standin import turned_digits

REF = "package:model-digits-onnx"
TAGS = "--tags=digits,onnx,fp32"
SHORT = ("--count=20", "--mode=accuracy")


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    return Loom(tmp_path / "home")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return turned_digits(tmp_path / "mine.onnx")


def digest_of(answer: object) -> str:
    return next(text for ref, text in record_of(answer)["inputs"].items() if ref.startswith(REF))  # type: ignore[arg-type]


def test_file_of_one_run_is_used_whatever_its_digest(loom: Loom, other: Path):
    usual = run(*SHORT, loom=loom).ok()
    mine = run(*SHORT, f"--model_path={other}", loom=loom).ok()
    assert usual.json["results"]["accuracy"]["correct"] >= 18
    assert mine.json["results"]["accuracy"]["correct"] <= 8
    assert digest_of(mine) != digest_of(usual)
    model = next(node for node in record_of(mine)["plan"]["nodes"] if "model" in node["roles"])
    assert (model["action"], model["candidate"]["location"]) == ("detect", str(other))
    assert digest_of(run(*SHORT, loom=loom).ok()) == digest_of(usual)
    assert str(other) in loom.here("record", "show", mine.json["record"]).ok().out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.onnx", "does not exist"),
        ("folder", "is a folder"),
        ("empty.onnx", "is empty"),
        ("page.onnx", "it appears to be a web page (HTML)"),
    ],
)
def test_what_is_no_model_is_refused_while_planning_and_before_it_is_kept(
    loom: Loom, tmp_path: Path, name: str, told: str
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "page.onnx").write_text("<html>not found</html>")
    path = tmp_path / name
    for words in (
        ("plan", TARGET, f"--model_path={path}"),
        ("run", TARGET, f"--model_path={path}"),
        ("detect", "soft:ml-model", TAGS, f"--full_path={path}"),
    ):
        answer = loom.here(*words)
        assert answer.code == 2
        assert told in answer.err
        assert words[-1].partition("=")[0] in answer.err
    assert not (loom.home / "given.json").exists()


def test_file_given_once_is_used_until_it_is_taken_back(loom: Loom, other: Path):
    given = loom.here("detect", "soft:ml-model", TAGS, f"--full_path={other}").ok()
    assert f"{REF} now uses {other}" in given.out
    assert run(*SHORT, loom=loom).ok().json["results"]["accuracy"]["correct"] <= 8
    assert loom.here("detect", REF, "--forget").ok().out == f"{REF} no longer uses {other}\n"
    assert run(*SHORT, loom=loom).ok().json["results"]["accuracy"]["correct"] >= 18
    assert loom.here("detect", REF, "--forget").code == 1


def test_file_that_is_gone_is_said_and_nothing_else_is_taken(loom: Loom, other: Path):
    loom.here("detect", "soft:ml-model", TAGS, f"--full_path={other}").ok()
    other.unlink()
    answer = loom.here("plan", TARGET)
    assert answer.code == 2
    assert f"the file registered for {REF} is missing" in answer.err
    assert f"loom detect {REF} --forget" in answer.err
    loom.here("plan", TARGET, "--dep_add_tags.model=resnet50,random-weights", "--mode=performance").ok()


def test_tags_of_several_models_name_them(loom: Loom, other: Path):
    answer = loom.here("detect", "soft:ml-model", "--tags=resnet50,onnx", f"--full_path={other}")
    assert answer.code == 2
    assert "package:model-resnet50-onnx-opset8" in answer.err
    assert "package:model-resnet50-onnx-opset11" in answer.err


def test_list_that_cannot_be_read_is_named(loom: Loom, other: Path):
    loom.here("detect", "soft:ml-model", TAGS, f"--full_path={other}").ok()
    (loom.home / "given.json").write_text("[1")
    answer = loom.here("plan", TARGET)
    assert answer.code == 2
    assert "given.json" in answer.err


def test_lock_of_the_published_file_is_not_kept_with_another(loom: Loom, tmp_path: Path, other: Path):
    lock = tmp_path / "loom.lock"
    loom.here("lock", TARGET, f"--output={lock}").ok()
    assert loom.here("plan", TARGET, f"--lock={lock}", f"--model_path={other}").code == 5
