"""Write to standard output: JSON for programs, aligned columns for people."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

import click

from benchloom.base.printable import one_line, printable
from benchloom.cli.colour import has_colour, painted
from benchloom.cli.layout import fitted, table_lines
from benchloom.cli.typed import as_typed
from benchloom.model.base import to_json
from benchloom.model.finding import Finding


def write_json(value: object) -> None:
    """Print one value as canonical JSON."""
    click.echo(to_json(value), nl=False)


def width_of(stream: TextIO) -> int | None:
    """Return the width of the terminal that ``stream`` writes to; None for a file or pipe, with lines of any length."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def write(text: str) -> None:
    """Print one line or block for people: wrapped to the terminal, with coloured verdicts and commands as typed."""
    _paint(fitted(printable(as_typed(text)), width_of(sys.stdout)))


def write_exact(text: str) -> None:
    """Print text for another program unchanged."""
    click.echo(printable(text))


def write_columns(rows: Iterable[Sequence[str]], indent: str = "", *, has_heads: bool = False) -> None:
    """Print rows (the first may hold the headers) in aligned columns, wrapped if the terminal is too narrow."""
    table = [[one_line(as_typed(cell)) for cell in row] for row in rows]
    if table:
        _paint("\n".join(table_lines(table, width_of(sys.stdout), indent, has_heads=has_heads)))


def _paint(text: str) -> None:
    in_colour = has_colour(sys.stdout)
    click.echo(painted(text) if in_colour else text, color=in_colour)


def write_findings(findings: Sequence[Finding]) -> None:
    """Print findings, one per line."""
    for finding in findings:
        write(one_line(str(finding)))
