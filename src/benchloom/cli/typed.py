"""The command as the user can type it: ``./loom`` in a checkout, ``loom`` if that is on PATH.

Messages and hints are written with ``loom``; output for people is passed through ``as_typed``.
"""

import os
import re

VARIABLE = "LOOM_TYPED"
# Removed at once: it must not apply to child processes.
_typed = os.environ.pop(VARIABLE, "") or "loom"
# A command in a sentence: the name and a verb or an option. `loom:` before a message is not a command.
_COMMAND = re.compile(r"(?<![\w./:~-])loom(?= (?:[a-z]|--))")


def as_typed(text: str) -> str:
    """Return ``text`` with all loom commands as the user can type them."""
    return text if _typed == "loom" else _COMMAND.sub(lambda _: _typed, text)
