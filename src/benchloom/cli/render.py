"""Everything that goes to standard output: JSON for programs, aligned columns for people."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from benchloom.base.printable import one_line, printable
from benchloom.cli.typed import as_typed
from benchloom.model.base import to_json
from benchloom.model.finding import Finding

if TYPE_CHECKING:
    from rich.table import Table

_WIDTH = 160  # columns of a table where there is no terminal


def write_json(value: object) -> None:
    """Print one value as canonical JSON."""
    click.echo(to_json(value), nl=False)


def write(text: str) -> None:
    """Print one line or block of data."""
    click.echo(printable(text))


def write_columns(rows: Iterable[Sequence[str]], indent: str = "") -> None:
    """Print rows in aligned columns, two spaces apart; the last column is as wide as it likes."""
    table = [[one_line(cell) for cell in row] for row in rows]
    if not table:
        return
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]) - 1)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
        click.echo((indent + "  ".join([*cells, row[-1]])).rstrip())


def write_tables(tables: "Iterable[Table]") -> None:
    """Print tables, as wide as the terminal at most."""
    from rich.console import Console  # late: most verbs have no such table

    console = Console(width=None if Console().is_terminal else _WIDTH, highlight=False)
    for table in tables:
        console.print(table)


def write_findings(findings: Sequence[Finding]) -> None:
    """Print findings, one a line."""
    for finding in findings:
        click.echo(one_line(as_typed(str(finding))))
