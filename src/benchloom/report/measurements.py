"""Measurements for people: a table for each area, and which targets are missed."""

from collections.abc import Iterable, Sequence

from benchloom.model.measurement import Measurement

HEADS = ("", "unit", "ours", "baseline", "its value", "figure", "spread", "target", "")
Rows = tuple[tuple[str, ...], ...]


def figure_text(measurement: Measurement) -> str:
    """Return for instance ``engine: loom show: 71.204 ms, target <= 100``."""
    target = "" if measurement.target is None else f", target {measurement.target}"
    return f"{measurement.area}: {measurement.name}: {measurement.figure:.3f} {measurement.figure_unit}{target}"


def areas(measurements: Sequence[Measurement]) -> list[tuple[str, Rows]]:
    """Return the header and rows of each area, in order of first occurrence."""
    names = dict.fromkeys(item.area for item in measurements)
    return [(name, (HEADS, *(cells(item) for item in measurements if item.area == name))) for name in names]


def verdict_lines(measurements: Iterable[Measurement]) -> list[str]:
    """Return how many targets are met, and a line for each missed one."""
    bounded = [item for item in measurements if item.target]
    missed = [item for item in bounded if item.verdict == "missed"]
    return [
        f"{len(bounded) - len(missed)} of {len(bounded)} targets are met",
        *(f"missed: {figure_text(item)}" for item in missed),
    ]


def cells(item: Measurement) -> tuple[str, ...]:
    """Return the cells of a measurement, below ``HEADS``."""
    return (
        item.name,
        item.unit,
        f"{item.ours:.4g}",
        item.against,
        "" if item.other is None else f"{item.other:.4g}",
        f"{item.figure:.3f} {item.figure_unit}",
        f"{item.spread:.3f}",
        "" if item.target is None else str(item.target),
        item.verdict,
    )
