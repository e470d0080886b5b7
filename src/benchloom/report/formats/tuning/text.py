"""A tuning for people."""

from collections.abc import Iterator

from benchloom.model.tuning import Tuning
from benchloom.report.formats import Block, Exact, Medium
from benchloom.report.formats.tuning.tables import tables
from benchloom.report.tunings import plain, plot, verdict_lines

ENDINGS = (".txt",)


def render(value: Tuning, medium: Medium) -> Iterator[Block]:
    """Yield the table of runs, a plot if it fits, and how to use the best settings."""
    shown = plain if medium.is_ascii else str
    yield from tables(value, medium)
    if (drawn := plot(value)) and _has_room(medium, drawn):
        yield Exact(text=f"\n{shown(drawn)}")
    lines = [shown(line) for line in verdict_lines(value)]
    if lines:
        yield "\n".join(["", *lines])


def _has_room(medium: Medium, drawn: str) -> bool:
    """Tell whether a plot fits, since it cannot be wrapped."""
    return medium.width is None or max(map(len, drawn.split("\n"))) <= medium.width
