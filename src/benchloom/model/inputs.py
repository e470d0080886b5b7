"""Values of inputs: one check for the engine, during planning, and for the harness."""

import math

from benchloom.base.names import did_you_mean
from benchloom.base.paths import existing
from benchloom.errors import InputError
from benchloom.model.component import Input


def check_value(declared: Input, value: str) -> str:
    """Return ``value`` in its declared spelling. Raises InputError if it is not of the declared type."""
    where = f"--{declared.name}"
    if declared.choices:
        by_lower = {choice.lower(): choice for choice in declared.choices}
        if value.lower() not in by_lower:
            hint = "" if declared.secret else did_you_mean(value, declared.choices) or _alone(declared, value)
            raise InputError(
                f"{_shown(declared, value)} is not a value of --{declared.name}",
                where=where,
                why=[f"it takes {', '.join(declared.choices)}"],
                fix=hint,
            )
        return by_lower[value.lower()]
    if declared.type in {"int", "float"}:
        return _check_number(declared, value, where)
    if declared.type == "path":
        path = existing(value)
        if path is None:
            raise InputError(f"{'the path given' if declared.secret else value} does not exist", where=where)
        return path
    return value


def _alone(declared: Input, value: str) -> str:
    """Return what to do about a flag that was perhaps written without its value, which is read as yes."""
    return f"write --{declared.name}=VALUE; without a value it means yes" if value == "yes" else ""


def _shown(declared: Input, value: str) -> str:
    return "the value given" if declared.secret else repr(value)


def _check_number(declared: Input, value: str, where: str) -> str:
    try:
        number = int(value) if declared.type == "int" else float(value)
    except ValueError:
        what = f"{_shown(declared, value)} is not a number ({declared.type})"
        raise InputError(what, where=where, fix=_alone(declared, value)) from None
    if not math.isfinite(number):
        raise InputError(f"{_shown(declared, value)} is not a finite number", where=where)
    if declared.minimum is not None and number < declared.minimum:
        raise InputError(f"{value} is below the minimum {declared.minimum:g}", where=where)
    if declared.above is not None and number <= declared.above:
        raise InputError(f"{_shown(declared, value)} is not a number above {declared.above:g}", where=where)
    return value
