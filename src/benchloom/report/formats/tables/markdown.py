"""Tables as Markdown, with the first row as the header."""

from collections.abc import Iterable, Iterator, Sequence

from benchloom.report.formats import Block, Exact, Medium, Table

ENDINGS = (".md",)


def render(value: Iterable[Table], medium: Medium) -> Iterator[Block]:
    """Yield a block for each table."""
    del medium
    for number, table in enumerate(value):
        title = [f"**{table.title}**", ""] if table.title else []
        yield Exact(text="\n".join([*([""] if number else []), *title, *table_lines(table.rows[0], table.rows[1:])]))


def table_lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of one table; the cells are Markdown themselves."""
    line = f"|{'|'.join(' --- ' for _ in heads)}|"
    return [f"| {' | '.join(heads)} |", line, *(f"| {' | '.join(_escaped(row))} |" for row in rows)]


def _escaped(row: Sequence[str]) -> list[str]:
    return [cell.replace("|", "\\|").replace("\n", " ") for cell in row]
