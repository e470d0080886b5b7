"""Measurements as one table."""

from collections.abc import Iterator

from benchloom.model.measurement import BenchRun
from benchloom.report.formats import Medium, Table
from benchloom.report.measurements import HEADS, cells


def tables(value: BenchRun, medium: Medium) -> Iterator[Table]:
    """Yield a row for each measurement."""
    del medium
    yield Table(rows=(("area", "name", *HEADS[1:]), *((item.area, *cells(item)) for item in value.measurements)))
