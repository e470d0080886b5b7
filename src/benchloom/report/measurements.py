"""Measurements for people: a table for each area, and which targets are missed."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from benchloom.model.measurement import Measurement

if TYPE_CHECKING:
    from rich.table import Table


def figure_text(measurement: Measurement) -> str:
    """Return for instance ``engine: loom show: 71.204 ms, target <= 100``."""
    target = "" if measurement.target is None else f", target {measurement.target}"
    return f"{measurement.area}: {measurement.name}: {measurement.figure:.3f} {measurement.figure_unit}{target}"


def tables(measurements: Sequence[Measurement]) -> "list[Table]":
    """Return a table for each area, in the order in which the areas first come."""
    areas = dict.fromkeys(item.area for item in measurements)
    return [_table(area, [item for item in measurements if item.area == area]) for area in areas]


def verdict_lines(measurements: Iterable[Measurement]) -> list[str]:
    """Return how many targets are met, and a line for each that is missed."""
    bounded = [item for item in measurements if item.target]
    missed = [item for item in bounded if item.verdict == "missed"]
    return [
        f"{len(bounded) - len(missed)} of {len(bounded)} targets are met",
        *(f"missed: {figure_text(item)}" for item in missed),
    ]


def _table(area: str, measurements: Iterable[Measurement]) -> "Table":
    from rich.table import Table  # late: nothing else needs it
    from rich.text import Text

    table = Table(title=area, title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    table.add_column("unit")
    table.add_column("ours", justify="right")
    table.add_column("beside", overflow="fold")
    for name in ("it", "figure", "spread", "target"):
        table.add_column(name, justify="right")
    table.add_column("")
    for item in measurements:
        table.add_row(*(Text(cell) for cell in _cells(item)))  # not text: rich would read [x] and :x: as its own marks
    return table


def _cells(item: Measurement) -> tuple[str, ...]:
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
