"""Measurements for people."""

from collections.abc import Iterator

from benchloom.model.measurement import BenchRun
from benchloom.report.formats import Block, Medium, Table
from benchloom.report.measurements import areas, verdict_lines

ENDINGS = (".txt",)


def render(value: BenchRun, medium: Medium) -> Iterator[Block]:
    """Yield a table for each area, how many targets are met, and which areas failed."""
    del medium
    yield from (Table(title=area, rows=rows) for area, rows in areas(value.measurements))
    yield from verdict_lines(value.measurements)
    yield from (f"failed: {area}" for area in value.failed)
