"""Tables as comma-separated values, separated by empty lines."""

import csv
import io
from collections.abc import Iterable, Iterator

from benchloom.report.formats import Block, Exact, Medium, Table

ENDINGS = (".csv",)


def render(value: Iterable[Table], medium: Medium) -> Iterator[Block]:
    """Yield a block for each table."""
    del medium
    for number, table in enumerate(value):
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(table.rows)
        yield Exact(text=("\n" if number else "") + stream.getvalue().removesuffix("\n"))
