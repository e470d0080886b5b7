"""Text as typed values: how inputs, settings, variables and flags are read, with one wording for what is refused.

Each function takes the ``text``, ``where`` it was given, and what is ``shown`` of a secret in its place. It raises InputError.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from benchloom.base.names import did_you_mean
from benchloom.base.printable import shortened
from benchloom.errors import InputError

_TRUTHS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE
)
WHOLE_NUMBERS = range(-(2**63), 2**64)  # those that 64 bits hold
_LONGEST = 40  # characters of a number; Python refuses to read thousands of digits
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smh])", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Bounds(NamedTuple):
    """What a number must not be below, and what it must be above; None for no bound."""

    least: float | None = None
    above: float | None = None

    def of(self, word: str) -> str:
        """Return ``word`` with the bounds, such as ``a number above 0``."""
        least = [f"of at least {self.least:g}"] if self.least is not None else []
        above = [f"above {self.above:g}"] if self.above is not None else []
        return " ".join([word, " and ".join([*least, *above])]).strip()

    def hold(self, found: float) -> bool:
        """Tell whether a number is within the bounds."""
        return (self.least is None or found >= self.least) and (self.above is None or found > self.above)


ANY, FROM_ONE, ABOVE_ZERO = Bounds(), Bounds(least=1), Bounds(above=0)


def truth(text: str, where: str, *, shown: str = "") -> bool:
    """Return whether ``text`` means yes: ``yes``, ``true``, ``on`` or ``1``, in whatever case, or their opposites."""
    found = _TRUTHS.get(text.lower())
    if found is None:
        raise _refused(text, "yes or no", where, shown)
    return found


def whole(text: str, where: str, bounds: Bounds = ANY, *, shown: str = "") -> int:
    """Return a whole number within its bounds and within 64 bits."""
    if not _WHOLE.fullmatch(text):
        raise _refused(text, bounds.of("a whole number"), where, shown)
    found = int(text) if len(text) <= _LONGEST else WHOLE_NUMBERS.stop
    if found not in WHOLE_NUMBERS:
        raise _refused(text, "a whole number within 64 bits", where, shown)
    if not bounds.hold(found):
        raise _refused(text, bounds.of("a whole number"), where, shown)
    return found


def number(text: str, where: str, bounds: Bounds = ANY, *, shown: str = "") -> float:
    """Return a finite number within its bounds."""
    if not _NUMBER.fullmatch(text):
        raise _refused(text, bounds.of("a number"), where, shown)
    if not math.isfinite(float(text)):
        raise _refused(text, "a finite number", where, shown)
    if not bounds.hold(float(text)):
        raise _refused(text, bounds.of("a number"), where, shown)
    return float(text)


def wholes(text: str, where: str, bounds: Bounds = ANY) -> tuple[int, ...]:
    """Return the whole numbers between commas, each once."""
    try:
        return tuple(dict.fromkeys(whole(item.strip(), where, bounds) for item in text.split(",")))
    except InputError as error:
        raise InputError(error.what, where=where, fix=f"for instance {where}=1,2,4") from None


def seconds(text: str, where: str) -> float:
    """Return the seconds that a time such as ``90s``, ``5m`` or ``1.5h`` stands for."""
    match = _SECONDS.fullmatch(text.strip())
    found = float(match.group(1)) * _UNITS[match.group(2)] if match else 0.0
    if not (found and math.isfinite(found)):
        raise _refused(text, "a time such as 90s, 5m or 1h", where, "")
    return found


def choice(text: str, choices: Sequence[str], name: str, where: str, *, shown: str = "") -> str:
    """Return the one of ``choices``, values of ``name``, that ``text`` is in whatever case, in its own spelling."""
    found = {item.lower(): item for item in choices}.get(text.lower())
    if found is None:
        what = f"{shown or repr(shortened(text))} is not a value of {name}"
        hint = "" if shown else did_you_mean(text, choices)
        raise InputError(what, where=where, why=[f"it takes {', '.join(choices)}"], fix=hint)
    return found


def _refused(text: str, kind: str, where: str, shown: str) -> InputError:
    return InputError(f"{shown or repr(shortened(text))} is not {kind}", where=where)
