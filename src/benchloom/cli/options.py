"""Options of every verb, accepted before and after it. Declared once; importing this needs only click."""

from collections.abc import Sequence
from typing import Any

import click

_DECLARED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--json", "as_json"), {"is_flag": True, "help": "Print one JSON value on standard output (see loom schema)."}),
    (("--quiet", "-q"), {"is_flag": True, "help": "Print only errors to standard error."}),
    (("--offline",), {"is_flag": True, "help": "Open no socket; report what is missing."}),
    (
        ("--mirror",),
        {"default": "", "metavar": "DIR|URL", "help": "Try this folder or base URL first for downloads."},
    ),
    (("--debug",), {"is_flag": True, "help": "Show the traceback of an error."}),
)

COMMON = tuple(click.option(*names, **settings) for names, settings in _DECLARED)
_TAKES_VALUE = {
    name: not settings.get("is_flag") for names, settings in _DECLARED for name in names if name.startswith("-")
}


def behind_verb(words: Sequence[str]) -> list[str]:
    """Return ``words`` with common options moved from before the verb to after it, where the verb parses them.

    Without a verb they are dropped.
    """
    place = 0
    while place < len(words) and (name := words[place].partition("=")[0]) in _TAKES_VALUE:
        place += 2 if _TAKES_VALUE[name] and "=" not in words[place] else 1
    rest = list(words[place:])
    return [rest[0], *words[:place], *rest[1:]] if rest and not rest[0].startswith("-") else rest
