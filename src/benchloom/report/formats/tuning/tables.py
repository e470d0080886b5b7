"""The runs of a tuning as a table."""

from collections.abc import Iterator

from benchloom.model.tuning import Tuning
from benchloom.report.formats import Medium, Table
from benchloom.report.tunings import plain, tuning_rows


def tables(value: Tuning, medium: Medium) -> Iterator[Table]:
    """Yield a row for each tuning point."""
    shown = plain if medium.is_ascii else str
    yield Table(rows=tuple(tuple(shown(cell) for cell in row) for row in tuning_rows(value)), has_heads=False)
