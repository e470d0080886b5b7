"""The Lock: a plan less its host facts, to be kept under version control."""

from benchloom.model.base import Document, SchemaName, SchemaTable, Value
from benchloom.model.component import Fetch

DEFAULT_LOCK = "loom.lock.json"  # the file, if none is named
LOCK_SCHEMA = "benchloom.lock/1"


class LockedNode(Value, frozen=True, kw_only=True):
    """What a node must be again: its choice and contents, but not where it came from or what must be done.

    Attributes:
        id: the node's id in the plan.
        family: what is locked of a Python library in place of the component, since one machine detects it and another
            installs it.
        uid: the component's uid.
        version: its version.
        variations: its variations, sorted.
        roles: the roles it fills, sorted.
        files: digest of the component's folder.
        fetch: the files that are fetched for it.
        pip: the exact requirements of the Python environment.
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
    """What a plan must be again, on any machine: the content of ``loom.lock.json``.

    Attributes:
        target: what was asked for.
        command: the command of the program.
        inputs: inputs of the program by name.
        env: the user's variables.
        nodes: the nodes of the plan, in its order.
    """

    schema: SchemaName
    target: str
    command: str
    inputs: dict[str, str]
    env: dict[str, str]
    nodes: tuple[LockedNode, ...]


SCHEMAS: SchemaTable = {"lock": (Lock, "loom lock; the file loom.lock.json")}
