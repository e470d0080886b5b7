"""Measurements: what the figures of the rounds come to, and what a target says of them."""

import pytest

from benchloom.model.measurement import Bound, Measurement, alone, at_least, at_most, line, ratio


@pytest.mark.parametrize(
    ("figure", "bound", "verdict"),
    [
        (1.0, at_least(1), "met"),
        (0.99, at_least(1), "missed"),
        (1.0, at_most(1), "met"),
        (1.01, at_most(1), "missed"),
        (5.0, None, ""),
    ],
)
def test_target_is_met_or_missed(figure: float, bound: Bound | None, verdict: str):
    assert alone("area", "thing", "ms", [figure], bound).verdict == verdict


def test_bounds_say_their_sense():
    assert [str(at_least(0.9)), str(at_most(300))] == [">= 0.9", "<= 300"]


def test_line_has_medians_and_the_spread_of_its_figure():
    found = line(
        "area",
        "thing",
        "ms",
        ours=[30.0, 10.0, 11.0],
        against="peer",
        others=[4.0, 5.0, 9.0],
        figures=[1.0, 7.0, 2.0],
        figure_unit="exponent",
        bound=at_most(2),
    )
    assert found == Measurement(
        area="area",
        name="thing",
        unit="ms",
        ours=11.0,
        against="peer",
        other=5.0,
        figure=2.0,
        figure_unit="exponent",
        spread=6.0,
        target=at_most(2),
        verdict="met",
    )


def test_ratio_is_taken_round_by_round():
    found = ratio("area", "thing", "img/s", [2.0, 8.0, 6.0], "peer", [2.0, 2.0, 3.0], at_least(3))
    assert (found.ours, found.against, found.other) == (6.0, "peer", 2.0)
    assert (found.figure, found.figure_unit, found.spread, found.verdict) == (2.0, "x", 3.0, "missed")


def test_ratio_of_unequal_rounds_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        ratio("area", "thing", "ms", [1.0, 2.0], "peer", [1.0])


def test_figure_alone_stands_beside_nothing():
    found = alone("area", "thing", "s", [0.3, 0.1, 0.2])
    assert (found.ours, found.against, found.other, found.target) == (0.2, "", None, None)
    assert (found.figure, found.figure_unit, found.spread) == (0.2, "s", pytest.approx(0.2))
