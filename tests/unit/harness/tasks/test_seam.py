"""Tasks by name, and that no other module asks what the task or the layout is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from benchloom.errors import InputError
from benchloom.harness.tasks.seam import ROOM, Task, task_of, tasks
from support.one_hot import predictor
from support.seams import misfits
from support.standin import ROOT

SOURCE = ROOT / "src" / "benchloom"
MODEL = predictor()[0]._inputs.model


def test_every_task_keeps_the_protocol():
    assert not list(misfits(ROOM, Task))


def test_unknown_task_lists_those_that_there_are():
    with pytest.raises(InputError, match="'image-clasification' is not a task") as caught:
        task_of(msgspec.structs.replace(MODEL, task="image-clasification"))
    assert (caught.value.where, caught.value.fix) == ("model.task of m", "did you mean 'image-classification'?")
    with pytest.raises(InputError) as caught:
        task_of(msgspec.structs.replace(MODEL, task="xyz"))
    assert caught.value.fix == f"known: {', '.join(tasks())}"
    assert {"image-classification", "object-detection"} <= set(tasks())


# -- nobody else asks ---------------------------------------------------------------------------------------------------


def questions(source: str) -> Iterator[str]:
    """Yield comparisons with the task of a model, the layout of a data set, or with the presence of what only one task has."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        names = {item.attr for item in (node.left, *node.comparators) if isinstance(item, ast.Attribute)}
        values = {item.value for item in (node.left, *node.comparators) if isinstance(item, ast.Constant)}
        if names & {"task", "detections"} or ("layout" in names and not values & {"NCHW", "NHWC"}):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    ("source", "asks"),
    [
        ("model.detections is None", True),
        ("found.model.task == 'object-detection'", True),
        ("'coco' != dataset.layout", True),
        ("step.layout == 'NCHW'", False),
        ("model.detections", False),
    ],
)
def test_question_is_recognised(source: str, asks: bool):
    assert bool(list(questions(source))) is asks


def modules() -> list[Path]:
    members = [SOURCE / "harness" / "tasks", SOURCE / "datasets" / "layouts"]
    return [path for path in sorted(SOURCE.rglob("*.py")) if path.parent not in members]


def test_only_members_ask_for_task_and_layout():
    allowed = {"dataset.layout not in layouts()", "stamp.get('layout') != LAYOUT"}
    asked = {f"{path.relative_to(SOURCE)}: {item}" for path in modules() for item in questions(path.read_text())}
    assert {item for item in asked if item.split(": ", 1)[1] not in allowed} == set()
