"""From the text of a ``run_cmds`` command to an argument vector, without a shell."""

import re
import shlex
from collections.abc import Mapping

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError

_PLACE = re.compile(r"\$<<([A-Za-z0-9_]+)>>\$")
_OPERATORS = frozenset({";", "&", "&&", "|", "||", ">", ">>", "<", "2>", "2>&1"})


def split_command(text: str, variables: Mapping[str, str], where: str) -> list[str]:
    """Split ``text`` into words, then put values in the place of ``$<<NAME>>$``, byte for byte.

    Splitting comes first, so a value with spaces, quotes, ``$`` or newlines stays inside its word. Raises InputError
    for an unknown variable, unbalanced quotes, or a shell operator.
    """
    try:
        words = shlex.split(text)
        bare = shlex.split(text, posix=False)
    except ValueError as error:
        raise InputError(f"the command {text!r} cannot be split into words", where=where, why=[str(error)]) from error
    operators = [word for word in bare if word in _OPERATORS or word.endswith(";") or word.startswith("`")]
    if operators:
        raise InputError(
            f"the command holds {operators[0]!r}, but it runs without a shell",
            where=where,
            fix="put a script beside the metadata and run that",
        )
    return [_PLACE.sub(lambda match: _value(match.group(1), variables, where), word) for word in words]


def _value(name: str, variables: Mapping[str, str], where: str) -> str:
    if name not in variables:
        raise InputError(f"the command uses {name}, which is not set", where=where, fix=did_you_mean(name, variables))
    return variables[name]
