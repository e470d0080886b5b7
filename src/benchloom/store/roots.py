"""Roots of garbage collection.

Records and environments while they exist, runs while they last, installations until they are removed.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from benchloom.base.digest import of_bytes
from benchloom.model.plan import Plan
from benchloom.store.entries import Store

_RECORD = "record-"
_RUN = "run-"
_VENV = "venv-"
_INSTALL = "install-"


@contextmanager
def protected(store: Store, made: Plan, run_id: str) -> Iterator[None]:
    """Protect the entries of ``made``, from before they are built until the block ends."""
    name = f"{_RUN}{os.getpid()}-{run_id}"
    store.add_root(name, _keys(made))
    try:
        yield
    finally:
        store.remove_root(name)


def protect_record(store: Store, made: Plan, record_id: str) -> None:
    """Protect the entries of ``made`` for as long as the record exists."""
    store.add_root(f"{_RECORD}{record_id}", _keys(made))


def protect_install(store: Store, made: Plan) -> None:
    """Protect the entries of ``made``, which the user installed, until they are removed."""
    keys = _keys(made)
    store.add_root(f"{_INSTALL}{of_bytes(' '.join(keys).encode())[7:23]}", keys)


def is_install(name: str) -> bool:
    """Tell whether a root is that of an installation."""
    return name.startswith(_INSTALL)


def protect_venv(store: Store, made: Plan, name: str) -> None:
    """Protect the entries of ``made`` for as long as the virtual environment exists."""
    store.add_root(f"{_VENV}{name}", _keys(made))


def forget_venv(store: Store, name: str) -> None:
    """Stop protecting the entries of a virtual environment."""
    store.remove_root(f"{_VENV}{name}")


def is_stale(name: str, record_ids: Collection[str], venvs: Collection[str]) -> bool:
    """Tell whether a root's record or environment was removed, or its run has ended (a killed run leaves its root behind)."""
    if name.startswith(_RECORD):
        return name.removeprefix(_RECORD) not in record_ids
    if name.startswith(_VENV):
        return name.removeprefix(_VENV) not in venvs
    return name.startswith(_RUN) and not is_live_run(name)


def is_live_run(name: str) -> bool:
    """Tell whether ``name`` is the root of a run whose process is alive."""
    pid = name.removeprefix(_RUN).partition("-")[0]
    if not name.startswith(_RUN) or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:  # alive, but of another user
        return True
    return True


def _keys(made: Plan) -> list[str]:
    return sorted({node.key for node in made.nodes if node.key})
