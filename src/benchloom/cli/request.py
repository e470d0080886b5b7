"""Convert the arguments of a command line, as CK and CM users write them, to a PlanRequest.

    program:alias[,tag,_variation]  --tags=a,b  --cmd_key=NAME  @file.json KIND --tags=a,b  --env.NAME=value
    --dep_add_tags.ROLE=tags  --adr.ROLE.tags=tags  --adr.ROLE.version=range  --INPUT=value

``--name`` without a value means ``yes``, as in CK; a value is text until it is converted to the declared type.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchloom.app.locking import read_lock, with_lock
from benchloom.app.requests import PlanRequest
from benchloom.app.workspace import Workspace
from benchloom.base import bounded, limits
from benchloom.cli.complete import complete_word
from benchloom.errors import InputError
from benchloom.index.index import Index
from benchloom.model.component import KINDS
from benchloom.model.lock import DEFAULT_LOCK
from benchloom.model.query import Query, parse_query

if TYPE_CHECKING:
    from benchloom.cli.common import Session

ROLE_PREFIXES = ("dep_add_tags.", "adr.", "ad.", "deps.")


def request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every verb with a target takes; the function receives ``words``, ``tags``, ``cmd_key`` and ``lock``."""

    @wraps(function)
    def call(session: "Session", *, words: Sequence[str], **values: Any) -> Any:
        return function(session, words=joined(session.workspace, words), **values)

    options = (
        click.argument(
            "words",
            nargs=-1,
            metavar="[TARGET] [@FILE.json] [--INPUT=VALUE]...",
            type=click.UNPROCESSED,
            shell_complete=complete_word,
        ),
        click.option(
            "--tags", default="", metavar="QUERY", help="Select the target by tags: tag,-tag,_variation,@version."
        ),
        click.option("--cmd_key", default="", metavar="NAME", help="The command of the program to run."),
        click.option("--dataset_path", default="", metavar="DIR", help="Folder of a data set on this machine."),
        click.option(
            "--model_path",
            default="",
            metavar="FILE",
            help="Use this file instead of the download of the chosen model.",
        ),
        click.option(
            "--lock",
            "lock_file",
            default="",
            metavar="FILE",
            help="Require the plan to match this lock (see loom lock).",
        ),
        click.option("--locked", is_flag=True, help=f"Like --lock={DEFAULT_LOCK}."),
    )
    for option in reversed(options):
        call = option(call)
    return call


def joined(workspace: Workspace, words: Sequence[str]) -> tuple[str, ...]:
    """Return ``words`` with each ``--name value`` as ``--name=value``.

    An ambiguous word is a value if ``--name`` is an input that takes one. A switch takes none.
    """
    found: list[str] = []
    for word in words:
        before = found[-1] if found else ""
        is_open = before.startswith("--") and "=" not in before and not word.startswith(("-", "@"))
        if is_open and _takes_value(workspace.index, before[2:], word):
            found[-1] = f"{before}={word}"
        else:
            found.append(word)
    return tuple(found)


def masked(words: Sequence[str], secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command line with the values of ``secrets`` masked, after ``=`` or a space."""
    found: list[str] = []
    for word in words:
        name = word[2:].partition("=")[0] if word.startswith("--") else ""
        if found and found[-1].startswith("--") and found[-1][2:] in secrets and not word.startswith(("-", "@")):
            found.append("***")
        else:
            found.append(f"--{name}=***" if name in secrets and "=" in word else word)
    return tuple(found)


def _takes_value(index: Index, name: str, word: str) -> bool:
    if not _is_input(name):
        return True
    inputs = [item for one in index.components if one.program for item in one.program.inputs if item.name == name]
    if inputs:
        return not any(item.is_switch for item in inputs)
    return ":" not in word and word not in KINDS and not any(word in {one.alias, one.uid} for one in index.components)


def parse_request(
    words: Sequence[str],
    *,
    tags: str,
    cmd_key: str,
    dataset_path: str,
    model_path: str,
    lock_file: str,
    locked: bool,
    kind: str = "",
    runnable: bool = False,
) -> PlanRequest:
    """Return the request. Raises InputError naming the invalid word."""
    names, values = _split(words)
    tags = values.get("tags", tags)
    if names and names[0] in KINDS and tags:
        kind = names.pop(0)
    if len(names) > 1:
        raise InputError(
            f"only one target is accepted, not {' and '.join(names)}", where="command line", fix=_one_of(names)
        )
    roles, sources = _roles(values)
    request = PlanRequest(
        name=names[0] if names else "",
        query=tags,
        kind=kind,
        runnable=runnable,
        command=values.get("cmd_key", cmd_key),
        roles=roles,
        sources=sources,
        env={name.removeprefix("env."): value for name, value in values.items() if name.startswith("env.")},
        inputs={name: value for name, value in values.items() if _is_input(name)},
        flags=_own_flags(),
        dataset_path=values.get("dataset_path", dataset_path),
        model_path=values.get("model_path", model_path),
    )
    lock_file = lock_file or (DEFAULT_LOCK if locked else "")
    return with_lock(request, read_lock(Path(lock_file)), lock_file) if lock_file else request


def _one_of(names: Sequence[str]) -> str:
    """Return a suggestion for several words of which at most one can be the target."""
    if names[0] in KINDS:
        return f"write {names[0]}:{names[1]}"
    word = next((item for item in names if "=" in item), "")
    return f"write --{word}" if word else "inputs are written --NAME=VALUE"


def _own_flags() -> tuple[str, ...]:
    context = click.get_current_context(silent=True)
    params = context.command.params if context else []
    return tuple(word.removeprefix("--") for item in params for word in item.opts if word.startswith("--"))


def _is_input(name: str) -> bool:
    return not name.startswith((*ROLE_PREFIXES, "env.")) and name not in {
        "tags",
        "cmd_key",
        "dataset_path",
        "model_path",
    }


def _split(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Separate names from ``--name=value`` words; files come first, so that the command line overrides them."""
    names, values, late = [], {}, {}
    for word in words:
        if word.startswith("@") and len(word) > 1:
            values.update(_from_file(Path(word[1:])))
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            late[name] = value if equals else "yes"
        elif word.startswith("-"):
            raise InputError(f"unknown flag {word!r}", where="command line", fix="inputs are written --name=value")
        else:
            names.append(word)
    return names, {**values, **late}


def _from_file(path: Path) -> dict[str, str]:
    try:
        found = json.loads(bounded.read_text(path, limits.METADATA_BYTES, is_stream_allowed=True))
    except OSError as error:
        raise InputError("the file cannot be read", where=f"@{path}", why=[error.strerror or str(error)]) from error
    except RecursionError as error:
        raise InputError("the file's tables and lists are nested too deeply", where=f"@{path}") from error
    except ValueError as error:
        raise InputError("the file is not valid JSON", where=f"@{path}", why=[str(error)]) from error
    if not isinstance(found, dict):
        raise InputError("the file must contain a table of names and values", where=f"@{path}")
    return dict(_flat("", found))


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _roles(values: Mapping[str, str]) -> tuple[dict[str, Query], dict[str, str]]:
    roles: dict[str, Query] = {}
    sources: dict[str, str] = {}
    for name, value in values.items():
        prefix = next((item for item in ROLE_PREFIXES if name.startswith(item)), "")
        if not prefix:
            continue
        role, _, what = name.removeprefix(prefix).rpartition(".")
        if prefix == "dep_add_tags.":
            role, what = name.removeprefix(prefix), "tags"
        if not role or what not in {"tags", "version"}:
            raise InputError(
                f"--{name} is not valid", where=f"--{name}", fix=f"write --{prefix}ROLE.tags= or .version="
            )
        query = parse_query(value if what == "tags" else f"@{value}", where=f"--{name}")
        roles[role] = roles.get(role, Query()).merged(query)
        sources[role] = f"--{name}"
    return roles, sources
