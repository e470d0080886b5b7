"""From a score to the accuracy of the results, with what is said of one that is far too low."""

from collections.abc import Callable

import pytest

from benchloom.harness.scoring import _figures, far_below
from benchloom.harness.tasks.seam import Score
from benchloom.model.facts import Reference

STATED = Reference(metric="top1", value=0.8, source="s")


def score(value: float | None, shifted: Callable[[int], float] = lambda _: 0.0, metric: str = "top1") -> Score:
    values = {} if value is None else {metric: value}
    return Score(metric=metric, values=values, total=10, chance=0.1, shifted=shifted, labels_key="classes.offset")


def test_every_metric_is_in_its_field():
    assert _figures(score(0.5)) == {"top1": 0.5}
    assert _figures(score(0.5, metric="mAP")) == {"mean_average_precision": 0.5}


@pytest.mark.parametrize(("value", "reference"), [(None, STATED), (0.4, STATED), (0.1, None)])
def test_nothing_is_said_of_no_figure_or_one_that_is_high_enough(value: float | None, reference: Reference | None):
    assert far_below(score(value), reference) == ()


def test_figure_far_below_the_published_one_is_named():
    [note] = far_below(score(0.39), STATED)
    assert "39.00 % is far below the published 80.00 %" in note


def test_shift_that_explains_a_low_figure_is_named():
    [note] = far_below(score(0.05, lambda shift: 0.9 if shift == -1 else 0.0), None)
    assert note.startswith("with 1 taken from each predicted label, accuracy would be 90.00 %: see classes.offset, and")
