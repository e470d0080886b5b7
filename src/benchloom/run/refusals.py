"""Refusals of the processes that build something, read back as errors of our own."""

import re
from pathlib import Path

from benchloom.errors import InputError

_FIELD = re.compile(r"  (where|why|fix): (.*)")


def reported_refusal(stderr: Path) -> InputError | None:
    """Return the last error that a process left in ``stderr``, written as a LoomError is; None if there is none.

    That is a line ``error: WHAT`` and, below it, lines ``  where: ``, ``  why: `` and ``  fix: ``. Other lines after it go on with
    the field before them.
    """
    lines = stderr.read_text(errors="replace").splitlines()
    start = next((place for place in reversed(range(len(lines))) if lines[place].startswith("error: ")), None)
    if start is None:
        return None
    found = [("what", lines[start].removeprefix("error: "))]
    for line in lines[start + 1 :]:
        if match := _FIELD.fullmatch(line):
            found.append((match[1], match[2]))
        else:
            name, text = found.pop()
            found.append((name, f"{text}\n{line}"))
    texts = dict(found)
    return InputError(
        texts["what"],
        where=texts.get("where", ""),
        why=[text for name, text in found if name == "why"],
        fix=texts.get("fix", ""),
    )
