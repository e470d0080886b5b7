"""Fit text to a terminal: columns wrap between words, and a table that does not fit becomes one block per row.

Lines break at spaces. A word wider than its column, such as a path, breaks after its separators; one without any is not
broken. A number stays with its unit.
"""

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest

GAP = 2  # spaces between columns
_LEAST_TEXT = 24  # minimum width of a text column; a narrower one is moved below the others
_FIGURE = 14  # characters: shorter cells are numbers and names, which do not wrap
_PARTS = re.compile(r"[^/,;&=?]*[/,;&=?]+|[^/,;&=?]+")
_SMALLER_PARTS = re.compile(r"[^-]*-+|[^-]+")
_WORDS = re.compile(r"(?:[+-]?[\d,.]{1,15} (?:%|[^\s\d]{1,9}(?=\s|$))|\S+)")
_LAST_COLUMN = re.compile(r"\S {2,}(?=\S)")


def table_lines(
    rows: Sequence[Sequence[str]], width: int | None, indent: str = "", *, has_heads: bool = False
) -> list[str]:
    """Return rows of equal length as lines of aligned columns, at most ``width`` wide (None: as wide as they are).

    If the longest words do not fit side by side, a table whose first row ``has_heads`` is transposed; if that does not
    fit either, each row becomes a block: its first cell, and the others below it.
    """
    if not rows:
        return []
    natural = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = None if width is None else width - len(indent) - GAP * (len(natural) - 1)
    if width is None or room is None or sum(natural) <= room:
        return [_line(indent, row, natural) for row in rows]
    for split in (_whole, _PARTS.findall):
        least = [_least([row[column] for row in rows], split) for column in range(len(natural))]
        if len(natural) > 1 and natural[-1] > _LEAST_TEXT:
            least[-1] = max(least[-1], _LEAST_TEXT)
        if sum(least) <= room:
            return _wrapped_rows(rows, _shared(least, natural, room), indent)
    turned = list(zip(*rows, strict=True))
    if has_heads and _is_within(turned, width - len(indent)):
        return table_lines(turned, width, indent)
    heads = rows[0] if has_heads else [""] * len(natural)
    return [line for row in rows[has_heads:] for line in _block(row, heads, indent, width)]


def _wrapped_rows(rows: Sequence[Sequence[str]], widths: Sequence[int], indent: str) -> list[str]:
    lines: list[str] = []
    for row in rows:
        cells = [wrapped(cell, size) for cell, size in zip(row, widths, strict=True)]
        lines += [_line(indent, parts, widths) for parts in zip_longest(*cells, fillvalue="")] or [""]
    return lines


def _is_within(rows: Sequence[Sequence[str]], width: int) -> bool:
    least = [_least([row[column] for row in rows], _whole) for column in range(len(rows[0]))]
    return sum(least) + GAP * (len(least) - 1) <= width


def fitted(text: str, width: int | None) -> str:
    """Return ``text`` with lines of at most ``width`` columns; continuation lines are indented to the last column of their line."""
    if width is None:
        return text
    return "\n".join(part for line in text.split("\n") for part in _fitted(line, width))


def wrapped(text: str, width: int) -> list[str]:
    """Return ``text`` in lines of at most ``width``; only a word without a separator is wider than that."""
    lines: list[str] = []
    end = 0
    for match in _WORDS.finditer(text):
        before, end = " " * (match.start() - end), match.end()
        for number, part in enumerate(_parts(match[0], width)):
            gap = before if number == 0 else ""
            if lines and len(lines[-1]) + len(gap) + len(part) <= width:
                lines[-1] += gap + part
            else:
                lines.append(part)
    return lines


def _fitted(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = len(line) - len(line.lstrip())
    for hang in sorted((match.end() for match in _LAST_COLUMN.finditer(line)), reverse=True):
        parts = wrapped(line[hang:], width - hang) if width - hang >= _LEAST_TEXT else []
        if parts and max(map(len, parts)) <= width - hang:
            return [line[:hang] + parts[0], *(" " * hang + part for part in parts[1:])]
    # No column has room for the next one.
    for hang in (indent + 4, indent, 4, 0):
        parts = wrapped(line.strip(), width - max(indent, hang))
        if max(map(len, parts)) <= width - max(indent, hang):
            break
    return [" " * indent + parts[0], *(" " * hang + part for part in parts[1:])]


def _whole(word: str) -> list[str]:
    return [word]


def _least(cells: Sequence[str], split: Callable[[str], list[str]]) -> int:
    """The minimum width of a column: its longest word (of long words the longest part), or a whole number or short name."""
    if all(len(cell) <= _FIGURE for cell in cells[1:]):
        return max(len(cell) for cell in [*_WORDS.findall(cells[0]), *cells[1:]])
    words = [word for cell in cells for word in _WORDS.findall(cell)]
    return max((len(part) for word in words for part in (split(word) if len(word) > _FIGURE else [word])), default=0)


def _parts(word: str, width: int) -> list[str]:
    """Split a word that is wider than ``width`` after separators, and if that is not enough, after hyphens."""
    if len(word) <= width:
        return [word]
    return [
        part
        for piece in _PARTS.findall(word)
        for part in ([piece] if len(piece) <= width else _SMALLER_PARTS.findall(piece))
    ]


def _shared(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """Give each column its minimum width, and the rest to those that lack the most."""
    widths = list(least)
    for _ in range(room - sum(least)):
        lacking = [wanted - got for wanted, got in zip(natural, widths, strict=True)]
        widths[lacking.index(max(lacking))] += 1
    return widths


def _block(row: Sequence[str], heads: Sequence[str], indent: str, width: int) -> list[str]:
    first, *others = [f"{head} {cell}" if head else cell for head, cell in zip(heads, row, strict=True) if cell]
    lines = [f"{indent}{part}" for part in wrapped(first, width - len(indent))]
    inner, line = f"{indent}    ", ""
    for cell in others:
        if line and len(line) + GAP + len(cell) > width - len(inner):
            lines.append(inner + line)
            line = ""
        line = f"{line}{' ' * GAP}{cell}" if line else cell
        if len(line) > width - len(inner):
            lines += [inner + part for part in wrapped(line, width - len(inner))]
            line = ""
    return [*lines, inner + line] if line else lines


def _line(indent: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    return (indent + (" " * GAP).join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True))).rstrip()
