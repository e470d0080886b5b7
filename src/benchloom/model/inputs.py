"""Values of inputs: one check for the engine, during planning, and for the harness."""

from benchloom.base.paths import existing
from benchloom.errors import InputError
from benchloom.model.component import Input
from benchloom.model.values import Bounds, choice, number, truth, whole

INPUT_PREFIX = "LOOM_INPUT_"  # prefix of the variables for inputs of a program


def check_value(declared: Input, value: str, where: str = "") -> str:
    """Return ``value`` in its declared spelling. Raises InputError if it is not of the declared type.

    ``where`` is where it was given; the flag if that is not said.
    """
    try:
        return _checked(declared, value, where or f"--{declared.name}")
    except InputError as error:
        raise InputError(
            error.what, where=error.where, why=error.why, fix=error.fix or _alone(declared, value)
        ) from None


def _checked(declared: Input, value: str, where: str) -> str:
    """Numbers stay as they are written: the program reads them itself."""
    shown = "the value given" if declared.secret else ""
    bounds = Bounds(declared.minimum, declared.above)
    if declared.choices:
        return choice(value, declared.choices, f"--{declared.name}", where, shown=shown)
    match declared.type:
        case "bool":
            return "yes" if truth(value, where, shown=shown) else "no"
        case "int":
            whole(value, where, bounds, shown=shown)
        case "float":
            number(value, where, bounds, shown=shown)
        case "path":
            return _path(value, where, shown)
    return value


def _path(value: str, where: str, shown: str) -> str:
    path = existing(value)
    if path is None:
        raise InputError(f"{shown or value} does not exist", where=where)
    return path


def _alone(declared: Input, value: str) -> str:
    """Return what to do about a flag that was perhaps written without its value, which is read as yes."""
    return f"write --{declared.name}=VALUE; without a value it means yes" if value == "yes" else ""
