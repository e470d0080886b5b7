"""Convert the text of a ``run_cmds`` command to an argument vector, without a shell."""

import re
import shlex
from collections.abc import Mapping

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError

_PLACE = re.compile(r"\$<<([A-Za-z0-9_]+)>>\$")
_QUOTED = re.compile(r"""'[^']*'|\\.|"((?:\\.|[^"\\])*)\"""", re.DOTALL)
_SUBSTITUTION = re.compile(r"`|\$\(|\$\{?[A-Za-z_]\w*\}?")
_OPERATOR = re.compile(r"&&|\|\||\d?>>|\d?>&\d|\d?>|[;&|<]")


def split_command(text: str, variables: Mapping[str, str], where: str) -> list[str]:
    """Split ``text`` into words, then replace ``$<<NAME>>$`` by values, byte for byte.

    Splitting comes first, so a value with spaces, quotes, ``$`` or newlines stays inside its word. Raises InputError
    for an unknown variable, unbalanced quotes, an empty command, or shell syntax: an operator
    outside quotes, or a ``$NAME`` or command substitution outside single quotes.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"the command {text!r} cannot be split into words", where=where, why=[str(error)]) from error
    if not words:
        raise InputError("the command is empty", where=where, fix="name the program to run")
    _refuse_shell(text, where)
    return [_PLACE.sub(lambda match: _value(match.group(1), variables, where), word) for word in words]


def _refuse_shell(text: str, where: str) -> None:
    """Refuse shell syntax, which would silently have another meaning without a shell."""
    text = _PLACE.sub("", text)
    bare = _QUOTED.sub("", text)
    inside = " ".join(re.sub(r"\\.", "", quoted) for quoted in _QUOTED.findall(text))
    found = _OPERATOR.search(bare) or _SUBSTITUTION.search(f"{bare} {inside}")
    if found is None:
        return
    fix = "put a script next to the metadata and run that"
    if re.fullmatch(r"\$\{?\w+\}?", found.group()):
        name = found.group().strip("${}")
        fix = f"write $<<{name}>>$ for the value of {name}, or quote it with '...' if it is meant literally"
    raise InputError(f"the command holds {found.group()!r}, but it runs without a shell", where=where, fix=fix)


def _value(name: str, variables: Mapping[str, str], where: str) -> str:
    if name not in variables:
        raise InputError(f"the command uses {name}, which is not set", where=where, fix=did_you_mean(name, variables))
    return variables[name]
