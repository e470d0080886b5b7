"""A comparison of records as a table."""

from collections.abc import Iterator

from benchloom.report.comparisons import Comparison, comparison_rows
from benchloom.report.formats import Medium, Table


def tables(value: Comparison, medium: Medium) -> Iterator[Table]:
    """Yield a row for each record."""
    rows = comparison_rows(value, everything=medium.everything, short=medium.width is not None)
    yield Table(rows=tuple(rows))
