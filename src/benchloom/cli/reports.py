"""``--format`` and ``--output``: one implementation for every verb that prints a report."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from benchloom.base.atomic import write_bytes
from benchloom.base.printable import printable
from benchloom.cli.common import Session
from benchloom.cli.layout import table_lines
from benchloom.cli.render import width_of, write, write_columns, write_exact, write_json
from benchloom.errors import InputError
from benchloom.model.base import to_json
from benchloom.report.formats import (
    JSON,
    Block,
    Exact,
    Medium,
    Table,
    document_of,
    format_of_ending,
    formats_of,
    render,
)


def report_options(kind: str, default: str = "text") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add ``--format`` and ``--output`` for a kind of value; the function receives ``format_`` and ``output``."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        text = f"Output format; also inferred from the extension of --output. Default: {default}."
        choice = click.option("--format", "format_", type=click.Choice(formats_of(kind)), help=text)
        file = click.Path(dir_okay=False, path_type=Path)
        return choice(click.option("--output", type=file, metavar="FILE", help="Write to this file.")(function))

    return add


def write_report(
    session: Session,
    kind: str,
    value: Any,
    *,
    format_: str | None = None,
    output: Path | None = None,
    default: str = "text",
    everything: bool = False,
) -> None:
    """Print ``value``, or write it to ``output``, in the requested format.

    Raises InputError for a file that cannot be written.
    """
    chosen = (
        JSON if session.as_json else format_ or (format_of_ending(kind, output.suffix) if output else "") or default
    )
    if output is not None:
        _save(output, _file(kind, chosen, value, everything=everything))
        session.talk.note(f"written to {output}")
    elif chosen == JSON:
        write_json(document_of(kind, value))
    else:
        medium = Medium(width=width_of(sys.stdout), is_ascii=_is_ascii(), everything=everything)
        _print(render(kind, chosen, value, medium))


def _print(blocks: Iterable[Block]) -> None:
    for block in blocks:
        if isinstance(block, Exact):
            write_exact(block.text)
        elif isinstance(block, Table):
            if block.title:
                write(block.title)
            write_columns(block.rows, has_heads=block.has_heads)
        else:
            write(block)


def _file(kind: str, format_: str, value: Any, *, everything: bool) -> bytes:
    if format_ == JSON:
        return to_json(document_of(kind, value))
    blocks = render(kind, format_, value, Medium(everything=everything))
    return "".join(f"{printable(_text(block))}\n" for block in blocks).encode()


def _text(block: Block) -> str:
    if isinstance(block, Exact):
        return block.text
    if isinstance(block, Table):
        return "\n".join([*([block.title] if block.title else []), *table_lines(block.rows, None)])
    return block


def _save(output: Path, data: bytes) -> None:
    try:
        write_bytes(output, data)
    except OSError as error:
        raise InputError("the file cannot be written", where=str(output), why=[error.strerror or str(error)]) from error


def _is_ascii() -> bool:
    """Tell whether standard output does not support the characters of a plot."""
    try:
        "⠤µ…".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
