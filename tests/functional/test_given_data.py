"""The folder of `--dataset_path` is used by the plan, or the plan is refused."""

from pathlib import Path

import pytest

from support.repo import Loom
from support.standin import imagenet_folder

PROGRAM = "program:image-classification-onnx"
RANDOM = ("--dep_add_tags.model=resnet50,random-weights", "--mode=performance")


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    return Loom(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return imagenet_folder(tmp_path / "imagenet", images=3, wrong=0)


def test_a_model_of_no_data_set_runs_on_the_one_given(loom: Loom, folder: Path):
    made = loom.here("plan", PROGRAM, *RANDOM, f"--dataset_path={folder}", "--json").ok()
    assert made.node("dataset")["candidate"]["location"] == str(folder)
    assert made.node("model")["candidate"]["component"] == "package:model-resnet50-onnx-random"


def test_images_alone_are_used_by_such_a_model(loom: Loom, folder: Path):
    (folder / "val_map.txt").unlink()
    made = loom.here("plan", PROGRAM, *RANDOM, f"--dataset_path={folder}", "--json").ok()
    assert str(folder) in {node["candidate"].get("location") for node in made.json["nodes"]}


@pytest.mark.parametrize("verb", ["plan", "run", "lock"])
@pytest.mark.parametrize("model", [(), ("--dep_add_tags.model=digits",)])
def test_a_model_of_another_data_set_is_refused_by_name(loom: Loom, folder: Path, verb: str, model: tuple[str, ...]):
    answer = loom.here(verb, PROGRAM, *model, f"--dataset_path={folder}")
    assert answer.code == 2
    assert answer.err.strip() == (
        f"loom: the plan would not use the data set in {folder}\n"
        "  where: --dataset_path\n"
        "  why: dataset: dataset:digits-val\n"
        "  why: model: package:model-digits-onnx\n"
        "  fix: choose a model for this data set: --dep_add_tags.model=TAGS (loom find package --tags=model)"
    )


def test_a_tag_for_another_data_set_beside_it_is_refused(loom: Loom, folder: Path):
    words = (*RANDOM, "--dep_add_tags.dataset=digits")
    answer = loom.here("plan", PROGRAM, *words, f"--dataset_path={folder}")
    assert (answer.code, f"the plan would not use the data set in {folder}" in answer.err) == (2, True)


def test_data_that_are_obtained_by_hand_say_how(loom: Loom):
    answer = loom.here("install", "package:imagenet-2012-val")
    assert answer.code == 3
    assert "it is obtained by hand: its terms of access ask for an account" in answer.err
    assert "then --dataset_path=DIR for loom" in answer.err
    assert answer.err.rstrip().endswith("fix: obtain it as described")


def test_explain_tells_of_the_plan_that_is_made(loom: Loom, folder: Path):
    said = loom.here("explain", PROGRAM, "dataset", *RANDOM, f"--dataset_path={folder}").ok().out
    assert "soft:dataset.imagenet.val" in said.splitlines()[0]
    refused = loom.here("explain", PROGRAM, "dataset", f"--dataset_path={folder}")
    assert (refused.code, "would not use the data set" in refused.err) == (2, True)
