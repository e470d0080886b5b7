"""Lock files: write one from a plan, read one, and apply one to a request."""

from pathlib import Path
from typing import TypeVar

import msgspec

from benchloom.app.planning import plan
from benchloom.app.requests import PlanRequest
from benchloom.app.workspace import Workspace
from benchloom.base import bounded, limits
from benchloom.base.atomic import write_bytes
from benchloom.errors import InputError
from benchloom.model.base import to_json
from benchloom.model.environment import VENV_LOCK_SCHEMA, VenvLock
from benchloom.model.lock import LOCK_SCHEMA, Lock
from benchloom.model.schema_version import decode_document
from benchloom.resolve.lock import make_lock

AnyLock = TypeVar("AnyLock", Lock, VenvLock)


def make_target_lock(workspace: Workspace, request: PlanRequest) -> Lock:
    """Return the lock of the plan for ``request`` on this machine. Raises what planning raises."""
    return make_lock(plan(workspace, request))


def write_lock(lock: Lock | VenvLock, path: Path) -> None:
    """Write ``lock`` atomically. Raises InputError if the folder cannot be written."""
    try:
        write_bytes(path, to_json(lock))
    except OSError as error:
        raise InputError("the lock cannot be written", where=str(path), why=[error.strerror or str(error)]) from error


def read_lock(path: Path) -> Lock:
    """Read the lock of a plan. Raises InputError naming the file."""
    return _read(path, Lock, LOCK_SCHEMA, "loom lock TARGET")


def read_venv_lock(path: Path) -> VenvLock:
    """Read the lock of a virtual environment. Raises InputError naming the file."""
    return _read(path, VenvLock, VENV_LOCK_SCHEMA, "loom venv lock NAME")


def _read(path: Path, type_: type[AnyLock], schema: str, how: str) -> AnyLock:
    try:
        data = bounded.read_bytes(path, limits.DOCUMENT_BYTES, is_stream_allowed=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError("the lock cannot be read", where=str(path), why=[reason], fix=f"make one: {how}") from error
    return decode_document(data, type_, schema, what="the lock", where=str(path), fix=f"make a new one: {how}")


def with_lock(request: PlanRequest, lock: Lock, file: str) -> PlanRequest:
    """Return ``request`` with ``lock`` applied; without a target, it takes target, command, inputs and variables from the lock."""
    held = msgspec.structs.replace(request, lock=lock, lock_file=file)
    if request.name or request.query:
        return held
    return msgspec.structs.replace(
        held,
        name=lock.target,
        command=request.command or lock.command,
        inputs={**lock.inputs, **request.inputs},
        env={**lock.env, **request.env},
    )
