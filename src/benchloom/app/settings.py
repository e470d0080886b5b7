"""Settings in layers: defaults, then the file ``config.toml`` in the home, then ``LOOM_*`` variables.

Command-line flags override them and are not settings. The file is replaced atomically and keeps its comments and
other values.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from benchloom.base import bounded, limits
from benchloom.base.atomic import write_text
from benchloom.base.names import did_you_mean
from benchloom.base.paths import locate
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.base import Document, SchemaTable, Value
from benchloom.model.values import Bounds, choice, truth, whole

Origin = Literal["default", "file", "environment"]
Scalar = str | int | bool

_TYPE_WORDS = {bool: "yes or no", int: "a whole number", str: "a text"}


class UserConfig(Value, frozen=True, kw_only=True):
    """Settings of a user for all commands."""

    mirror: Annotated[str, Meta(description="folder or base URL that is tried first for downloads")] = ""
    jobs: Annotated[int, Meta(description="how many nodes of a plan are prepared concurrently", ge=1)] = 4
    offline: Annotated[bool, Meta(description="open no socket; report what is missing")] = False
    ruleset: Annotated[str, Meta(description="the default ruleset of programs that take one")] = "quick"
    installer: Annotated[
        Literal["auto", "uv", "pip"],
        Meta(description="installer of Python packages: uv, pip, or auto (uv if available, else pip)"),
    ] = "auto"


_TYPES = {name: get_args(hint) for name, hint in get_type_hints(UserConfig, include_extras=True).items()}
SUMMARIES: dict[str, str] = {name: meta.description for name, (_, meta) in _TYPES.items()}
_CHOICES: dict[str, tuple[str, ...]] = {name: get_args(type_) for name, (type_, _) in _TYPES.items()}


class Setting(Value, frozen=True, kw_only=True):
    """One setting with its present value.

    Attributes:
        name: its name.
        value: its value.
        origin: what kind of place the value is from.
        variable: the environment variable that overrides the file.
        summary: what it means.
        where: the file or variable that set it.
    """

    name: str
    value: Scalar
    origin: Origin
    variable: str
    summary: str
    where: str = ""


class Configuration(Document, frozen=True, kw_only=True):
    """What ``loom config`` prints.

    Attributes:
        file: the settings file, whether it is there or not.
        settings: every setting.
    """

    file: str
    settings: tuple[Setting, ...]


SCHEMAS: SchemaTable = {
    "configuration": (Configuration, "loom config --json"),
    "setting": (Setting | None, "loom config NAME --json"),
}


def load_settings(environ: Mapping[str, str]) -> UserConfig:
    """Return the effective settings. Raises InputError for a file or variable that cannot be read."""
    return msgspec.convert({item.name: item.value for item in configuration(environ).settings}, UserConfig)


def configuration(environ: Mapping[str, str]) -> Configuration:
    """Return every setting with its origin. Raises InputError for a file or variable that cannot be read."""
    file = locate(dict(environ)).config
    stored = _checked(_read(file), file)
    found = []
    for name, summary in SUMMARIES.items():
        variable = f"LOOM_{name.upper()}"
        value, origin, where = _defaults()[name], "default", ""
        if name in stored:
            value, origin, where = stored[name], "file", str(file)
        if environ.get(variable) and not _is_facts(environ[variable]):
            value, origin, where = parse_value(name, environ[variable], variable), "environment", variable
        setting = {"name": name, "value": value, "origin": origin, "variable": variable, "where": where}
        found.append(msgspec.convert({**setting, "summary": summary}, Setting))
    return Configuration(file=str(file), settings=tuple(found))


def get_setting(environ: Mapping[str, str], name: str) -> Setting:
    """Return one setting. Raises UnknownNameError with the nearest name."""
    _known(name, "command line")
    return next(item for item in configuration(environ).settings if item.name == name)


def set_setting(environ: Mapping[str, str], name: str, text: str, choices: Sequence[str] = ()) -> Setting:
    """Write ``name`` to the user's file and return the effective setting. Raises InputError without writing.

    ``choices`` are the accepted values, if they depend on the repositories.
    """
    _known(name, "command line")
    where = f"loom config {name}"
    value = choice(text, choices, name, where) if choices else parse_value(name, text, where)
    _edit(environ, name, value)
    return get_setting(environ, name)


def unset_setting(environ: Mapping[str, str], name: str) -> None:
    """Remove ``name`` from the user's file.

    Raises UnknownNameError for a name that is neither known nor in the file.
    """
    if name not in _read(locate(dict(environ)).config):
        _known(name, "command line")
    _edit(environ, name, None)


def parse_value(name: str, text: str, where: str) -> Scalar:
    """Return ``text`` as a value of the setting's type. Raises InputError."""
    type_ = type(_defaults()[name])
    if type_ is bool:
        return truth(text, where)
    if type_ is int:
        return whole(text, where, Bounds(least=_TYPES[name][1].ge))
    return choice(text, _CHOICES[name], name, where) if _CHOICES[name] else text


def _valid(name: str, value: Any, where: str) -> Scalar:
    """Return a value of the settings file, which has a type of its own. Raises InputError."""
    expected = type(_defaults()[name])
    if type(value) is not expected:
        raise InputError(f"{json.dumps(value, default=str)} is not {_TYPE_WORDS[expected]}", where=where)
    return parse_value(name, str(value), where)


def _is_facts(value: str) -> bool:
    """Tell whether the variable of a setting holds the path of a facts file instead, which programs get for a role."""
    return Path(value).is_absolute() and value.endswith(".json")


def _defaults() -> dict[str, Scalar]:
    return {name: getattr(UserConfig(), name) for name in SUMMARIES}


def _known(name: str, where: str) -> None:
    if name not in SUMMARIES:
        fix = did_you_mean(name, SUMMARIES) or f"settings are {', '.join(SUMMARIES)}"
        raise UnknownNameError(f"there is no setting {name!r}", where=where, fix=fix)


def _checked(stored: Mapping[str, Any], file: Path) -> dict[str, Scalar]:
    for name in stored:
        _known(name, f"{file}: {name}")
    return {name: _valid(name, value, f"{file}: {name}") for name, value in stored.items()}


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    from benchloom.base import toml  # late: most users have no settings

    try:
        return toml.loads(bounded.read_text(file, limits.METADATA_BYTES))
    except (OSError, ValueError) as error:
        raise InputError(
            "the settings cannot be read", where=str(file), why=[str(error)], fix=f"correct or remove {file}"
        ) from error


def _edit(environ: Mapping[str, str], name: str, value: Scalar | None) -> None:
    import tomlkit  # late: settings are read by every command, and written by one
    from filelock import FileLock

    file = locate(dict(environ)).ensure().config
    with FileLock(f"{file}.lock"):
        _read(file)  # an unreadable file is reported separately
        document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
        document.pop(name, None) if value is None else document.update({name: value})
        write_text(file, tomlkit.dumps(document))
