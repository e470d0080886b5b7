"""Read metadata files within limits, so that no file can block a command or contain values that cannot be written as JSON.

Limited are the size and depth of a file, the number of values that YAML aliases expand to (``benchloom.base.limits``),
and integers (64 bits). Of YAML 1.1, which PyYAML reads, dates and the number formats that YAML 1.2 dropped (base 60,
octal by a leading zero, underscores) are not supported: CK and CM metadata use them as text.
"""

import json
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchloom.base import bounded, limits
from benchloom.base.names import is_unicode
from benchloom.model.values import WHOLE_NUMBERS

_DIGITS = 20  # of the longest 64-bit integer, with its sign

Key = tuple[str, ...]


class UnreadableFileError(ValueError):
    """Why a metadata file cannot be used; ``line`` (1-based, 0 if unknown) or ``key`` says where."""

    def __init__(self, what: str, *, line: int = 0, key: Key = ()) -> None:
        super().__init__(what)
        self.line = line
        self.key = key


def read_file(path: Path) -> Any:
    """Return the content of a JSON or YAML file: tables with string keys, lists, strings, numbers, booleans and nulls.

    Raises UnreadableFileError if it cannot be read, exceeds a limit, or contains a value that JSON cannot represent.
    """
    try:
        found = _parsed(path)
    except UnreadableFileError:
        raise
    except OSError as error:
        raise UnreadableFileError(error.strerror or str(error)) from error
    except RecursionError as error:
        raise UnreadableFileError("its tables and lists are nested too deeply") from error
    except ValueError as error:
        raise UnreadableFileError(str(error).partition("\n")[0], line=getattr(error, "lineno", 0)) from error
    _check(found)
    return found


def _parsed(path: Path) -> Any:
    text = bounded.read_text(path, limits.METADATA_BYTES, "utf-8-sig")
    return _json(text) if path.suffix == ".json" else _yaml(text)


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_number, parse_int=_whole)


def _no_number(text: str) -> Any:
    raise UnreadableFileError(f"{text} is not a valid JSON number")


def _whole(text: str, base: int = 10, line: int = 0) -> int:
    """Return an integer.

    Raises UnreadableFileError for one with more digits than 64 bits need: parsing it takes long.
    """
    if len(text) > _DIGITS:
        raise UnreadableFileError("it contains an integer beyond 64 bits", line=line)
    return int(text, base)


def _yaml(text: str) -> Any:
    import yaml  # late: a warm start parses nothing

    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 - it constructs no objects
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = str(error).replace("\n", " ")
        raise UnreadableFileError(what, line=mark.line + 1 if mark else 0) from error


@lru_cache(maxsize=1)
def _loader() -> Any:
    import yaml  # late, see above

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        """PyYAML's safe loader with the numbers of YAML 1.2 and without dates."""

    dropped = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp")}
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in items if tag not in dropped]
        for first, items in base.yaml_implicit_resolvers.items()
    }
    whole = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
    # A decimal point is required: uids such as 1234567890123e45 are strings.
    decimal = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
    for name, pattern in (("int", whole), ("float", decimal)):
        full = re.compile(rf"(?:{pattern.pattern})\Z")
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", full, list("-+.0123456789"))
    Loader.add_constructor("tag:yaml.org,2002:int", _construct_whole)
    return Loader


def _construct_whole(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node)
    return _whole(text, {"0o": 8, "0x": 16}.get(text[:2], 10), node.start_mark.line + 1)


def _check(found: Any) -> None:
    """Raise UnreadableFileError for the first invalid value, with its key."""
    for count, (value, key) in enumerate(_values(found)):
        if count > limits.METADATA_VALUES:
            raise UnreadableFileError(f"it contains more than {limits.METADATA_VALUES:,} values", key=key[:1])
        if len(key) > limits.METADATA_DEPTH:
            raise UnreadableFileError(
                f"its tables and lists are nested more than {limits.METADATA_DEPTH} levels deep", key=key[:1]
            )
        if problem := _problem(value):
            raise UnreadableFileError(problem, key=key)


def _values(found: Any) -> Iterator[tuple[Any, Key]]:
    """Yield every value and key below ``found``, repeated by aliases, with the path of keys."""
    waiting: list[tuple[Any, Key]] = [(found, ())]
    while waiting:
        value, key = waiting.pop()
        yield value, key
        if isinstance(value, dict):
            yield from ((name, key) for name in value)
            waiting += [(item, (*key, str(name))) for name, item in value.items()]
        elif isinstance(value, list):
            waiting += [(item, (*key, str(place))) for place, item in enumerate(value)]


def _problem(value: Any) -> str:
    if isinstance(value, str):
        return "" if value.isascii() or is_unicode(value) else "a string contains a lone surrogate"
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        return "" if value in WHOLE_NUMBERS else "an integer is beyond 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number is too large"
    return (
        ""
        if isinstance(value, dict | list)
        else f"a value has a type that JSON does not support ({type(value).__name__})"
    )
