"""A comparison of records for people."""

from collections.abc import Iterator

from benchloom.report.comparisons import Comparison, message_lines, shared_lines
from benchloom.report.formats import Block, Medium
from benchloom.report.formats.comparison.tables import tables

ENDINGS = (".txt",)


def render(value: Comparison, medium: Medium) -> Iterator[Block]:
    """Yield the table, what all records have in common, and LoadGen's messages."""
    yield from tables(value, medium)
    yield from shared_lines(value)
    yield from message_lines(value)
