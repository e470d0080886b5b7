"""Options that every verb takes, before it or after it. Their one declaration; importing it costs nothing but click."""

from collections.abc import Sequence
from typing import Any

import click

_DECLARED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--json", "as_json"), {"is_flag": True, "help": "Print one JSON value on standard output (see loom schema)."}),
    (("--quiet", "-q"), {"is_flag": True, "help": "Say nothing on standard error but errors."}),
    (("--offline",), {"is_flag": True, "help": "Open no socket; say what is missing."}),
    (
        ("--mirror",),
        {"default": "", "metavar": "DIR|URL", "help": "Ask this folder or base URL for downloads first."},
    ),
    (("--debug",), {"is_flag": True, "help": "Show the traceback of an error."}),
)

COMMON = tuple(click.option(*names, **settings) for names, settings in _DECLARED)
_TAKES_VALUE = {
    name: not settings.get("is_flag") for names, settings in _DECLARED for name in names if name.startswith("-")
}


def behind_verb(words: Sequence[str]) -> list[str]:
    """Return ``words`` with the common options that stand before the verb moved behind it, where the verb reads them.

    Without a verb there is nobody to read them, and they are left out.
    """
    place = 0
    while place < len(words) and (name := words[place].partition("=")[0]) in _TAKES_VALUE:
        place += 2 if _TAKES_VALUE[name] and "=" not in words[place] else 1
    rest = list(words[place:])
    return [rest[0], *words[:place], *rest[1:]] if rest and not rest[0].startswith("-") else rest
