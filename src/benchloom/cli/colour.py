"""Colour for verdicts, findings and errors on terminals."""

import os
import re
from functools import partial
from typing import Any, TextIO

import click

# Words are recognised by position: verdicts anywhere, severities at the start of a line or after a file position.
_STYLES: tuple[tuple[re.Pattern[str], dict[str, Any]], ...] = (
    (re.compile(r"\bINVALID\b"), {"fg": "red", "bold": True}),
    (re.compile(r"\bVALID\b"), {"fg": "green", "bold": True}),
    (re.compile(r"^ok(?=  )", re.MULTILINE), {"fg": "green"}),
    (
        re.compile(r"^ *(?:error|problem|blocker|reason|ended)(?=:| {2,})|(?<=: )error(?=: )", re.MULTILINE),
        {"fg": "red"},
    ),
    (re.compile(r"^ *(?:warning|busy)(?=:| {2,})|(?<=: )warning(?=: )", re.MULTILINE), {"fg": "yellow"}),
    (re.compile(r"^  (?:fix|do next)(?=:| {2,})", re.MULTILINE), {"fg": "cyan"}),
)


def has_colour(stream: TextIO) -> bool:
    """Whether to colour output to ``stream``: a terminal, unless NO_COLOR or TERM=dumb; always with FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str) -> str:
    """Return ``text``, which must be printable, with its verdicts and severities coloured."""
    for pattern, style in _STYLES:
        text = pattern.sub(partial(_styled, style), text)
    return text


def _styled(style: dict[str, Any], match: re.Match[str]) -> str:
    return click.style(match[0], **style)


def painted_message(text: str, *, is_error: bool = False) -> str:
    """Return a message with its first words in red if it is an error, in yellow if it is a warning."""
    for begin, colour in (("loom: warning:", "yellow"), *((("loom:", "red"),) if is_error else ())):
        if text.startswith(begin):
            return click.style(begin, fg=colour, bold=True) + painted(text.removeprefix(begin))
    return text
