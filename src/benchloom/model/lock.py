"""The Lock: a plan less its host facts, to be kept under version control."""

from benchloom.model.base import Document, Value
from benchloom.model.component import Fetch

DEFAULT_LOCK = "loom.lock.json"  # the file, if none is named
LOCK_SCHEMA = "benchloom.lock/1"


class LockedNode(Value, frozen=True, kw_only=True):
    """What a node must be again: its choice and contents, but not where it came from or what must be done.

    ``family`` and not the component is locked for Python libraries, which one machine detects and another installs.
    """

    id: str
    family: str
    uid: str = ""
    version: str = ""
    variations: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    files: str = ""
    fetch: tuple[Fetch, ...] = ()
    pip: tuple[str, ...] = ()


class Lock(Document, frozen=True, kw_only=True):
    """``loom.lock.json``."""

    schema: str
    target: str
    command: str
    inputs: dict[str, str]
    env: dict[str, str]
    nodes: tuple[LockedNode, ...]
