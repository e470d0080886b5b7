"""Measurements as tables and verdicts."""

from benchloom.model.measurement import Measurement, alone, at_least, ratio
from benchloom.report.measurements import areas, figure_text, verdict_lines

LINES = (
    ratio("engine", "loom [find] :x:", "ms", [1.0], "peer", [2.0], at_least(1)),
    alone("scale", "memory", "MiB", [7.0]),
    ratio("engine", "loom show", "ms", [4.0, 6.0, 5.0], "peer", [2.0, 2.0, 2.0], at_least(1)),
)


def drawn(*lines: Measurement) -> list[str]:
    return [line for area, rows in areas(lines) for line in (area, *(" ".join(" ".join(row).split()) for row in rows))]


def test_each_area_has_a_table():
    assert drawn(*LINES) == [
        "engine",
        "unit ours baseline its value figure spread target",
        "loom [find] :x: ms 1 peer 2 0.500 x 0.000 >= 1 missed",
        "loom show ms 5 peer 2 2.500 x 1.000 >= 1 met",
        "scale",
        "unit ours baseline its value figure spread target",
        "memory MiB 7 7.000 MiB 0.000",
    ]


def test_verdict_counts_the_targets_and_names_what_is_missed():
    assert verdict_lines(LINES) == [
        "1 of 2 targets are met",
        "missed: engine: loom [find] :x:: 0.500 x, target >= 1",
    ]


def test_figure_without_a_target_says_none():
    assert figure_text(LINES[1]) == "scale: memory: 7.000 MiB"


def test_nothing_measured_is_no_table():
    assert areas(()) == []
    assert verdict_lines(()) == ["0 of 0 targets are met"]
