"""A record for people."""

from collections.abc import Iterator
from pathlib import Path

from benchloom.model.record import Record
from benchloom.report.formats import Block, Medium
from benchloom.report.records import record_text

ENDINGS = (".txt",)


def render(value: tuple[Record, Path], medium: Medium) -> Iterator[Block]:
    """Yield the record, and the path of its file."""
    del medium
    yield record_text(*value)
