"""Locks as files: make one from a plan, read one, and ask for what it holds."""

from pathlib import Path

import msgspec

from benchloom.app.planning import Ask, plan
from benchloom.app.workspace import Workspace
from benchloom.base.atomic import write_bytes
from benchloom.errors import InputError
from benchloom.model.base import to_json
from benchloom.model.lock import LOCK_SCHEMA, Lock
from benchloom.resolve.lock import make_lock

DEFAULT_LOCK = "loom.lock.json"


def make_target_lock(workspace: Workspace, ask: Ask) -> Lock:
    """Return the lock of what ``ask`` resolves to on this machine. Raises what planning raises."""
    return make_lock(plan(workspace, ask))


def write_lock(lock: Lock, path: Path) -> None:
    """Write ``lock`` whole or not at all. Raises InputError where the folder cannot be written."""
    try:
        write_bytes(path, to_json(lock))
    except OSError as error:
        raise InputError("the lock cannot be written", where=str(path), why=[error.strerror or str(error)]) from error


def read_lock(path: Path) -> Lock:
    """Read a lock. Raises InputError naming the file."""
    try:
        lock = msgspec.json.decode(path.read_bytes(), type=Lock)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            "the lock cannot be read", where=str(path), why=[reason], fix="make one: loom lock TARGET"
        ) from error
    except msgspec.MsgspecError as error:
        fix = "make a new one: loom lock TARGET"
        raise InputError("the lock does not fit its schema", where=str(path), why=[str(error)], fix=fix) from error
    if lock.schema != LOCK_SCHEMA:
        raise InputError(f"the lock is of schema {lock.schema!r}, this is {LOCK_SCHEMA!r}", where=str(path))
    return lock


def with_lock(ask: Ask, lock: Lock, file: str) -> Ask:
    """Return ``ask`` held to ``lock``; where it names no target, target, command, inputs and variables are the lock's."""
    held = msgspec.structs.replace(ask, lock=lock, lock_file=file)
    if ask.name or ask.query:
        return held
    return msgspec.structs.replace(
        held,
        name=lock.target,
        command=ask.command or lock.command,
        inputs={**lock.inputs, **ask.inputs},
        env={**lock.env, **ask.env},
    )
