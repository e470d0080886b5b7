"""The command as this user can type it: ``./loom`` in a checkout, ``loom`` if that is on PATH.

Messages and hints are written with ``loom``; whatever shows them to a person passes them through ``as_typed``.
"""

import os
import re

VARIABLE = "LOOM_TYPED"
# Taken away at once: what this process starts is typed by nobody.
_typed = os.environ.pop(VARIABLE, "") or "loom"
# A command in a sentence: the name and a verb or an option. `loom:` in front of a message is no command.
_COMMAND = re.compile(r"(?<![\w./:~-])loom(?= (?:[a-z]|--))")


def as_typed(text: str) -> str:
    """Return ``text`` with every command of loom in it as this user can type it."""
    return text if _typed == "loom" else _COMMAND.sub(lambda _: _typed, text)
