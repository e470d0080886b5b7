"""From a score to the accuracy of the results, with what is said of one that is far too low."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from benchloom.harness import scoring
from benchloom.harness.inputs import Inputs
from benchloom.harness.scoring import _fields, far_below
from benchloom.harness.tasks.seam import OfficialScoring, Score
from benchloom.model.facts import Reference
from support.one_hot import predictor

STATED = Reference(metric="top1", value=0.8, source="s")


def score(value: float | None, shifted: Callable[[int], float] = lambda _: 0.0, metric: str = "top1") -> Score:
    values = {} if value is None else {metric: value}
    return Score(metric=metric, values=values, total=10, chance=0.1, shifted=shifted, labels_key="classes.offset")


def test_metrics_of_older_readers_are_in_their_fields():
    assert _fields(score(0.5)) == {"top1": 0.5}
    assert _fields(score(0.5, metric="mAP")) == {"mean_average_precision": 0.5}
    assert _fields(score(0.5, metric="another")) == {}


class Exotic:
    """A task with two metrics, of which no reader of today knows one."""

    @staticmethod
    def score(*_given: object) -> Score:
        return dataclasses.replace(score(0.5, metric="dice"), values={"dice": 0.5, "worst": 0.25})

    @staticmethod
    def official_scoring(_inputs: Inputs, log: str) -> OfficialScoring:
        return OfficialScoring(("script.py", log))


def test_every_metric_of_a_task_is_in_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in ("scoring", "official"):
        monkeypatch.setattr(f"benchloom.harness.{module}.task_of", lambda _: Exotic)
    (tmp_path / "accuracy").mkdir()
    (tmp_path / "accuracy" / "mlperf_log_detail.txt").touch()
    found, notes = scoring.score(tmp_path / "accuracy", predictor()[0]._inputs, tmp_path)
    assert (found.metric, found.values, found.top1) == ("dice", {"dice": 0.5, "worst": 0.25}, None)
    assert found.official_command == ("script.py", "accuracy/mlperf_log_accuracy.json")
    assert notes == ()


@pytest.mark.parametrize(("value", "reference"), [(None, STATED), (0.4, STATED), (0.1, None)])
def test_nothing_is_said_of_no_figure_or_one_that_is_high_enough(value: float | None, reference: Reference | None):
    assert far_below(score(value), reference) == ()


def test_figure_far_below_the_published_one_is_named():
    [note] = far_below(score(0.39), STATED)
    assert "39.00 % is far below the published 80.00 %" in note


def test_shift_that_explains_a_low_figure_is_named():
    [note] = far_below(score(0.05, lambda shift: 0.9 if shift == -1 else 0.0), None)
    assert note.startswith("with 1 taken from each predicted label, accuracy would be 90.00 %: see classes.offset, and")
