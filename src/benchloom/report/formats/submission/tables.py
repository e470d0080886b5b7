"""The results of a checked submission as a table."""

from collections.abc import Iterator

from benchloom.model.submission import SubmissionCheck
from benchloom.report.formats import Medium, Table
from benchloom.report.submissions import plain, result_rows


def tables(value: SubmissionCheck, medium: Medium) -> Iterator[Table]:
    """Yield a row for each result."""
    shown = plain if medium.is_ascii else str
    if value.results:
        yield Table(rows=tuple(tuple(shown(cell) for cell in row) for row in result_rows(value)))
