"""The Plan: everything about a run, known before anything runs. It holds no path, host name or clock time."""

from typing import Literal

from benchloom.model.base import Document, Value
from benchloom.model.component import Fetch, Requirement

Origin = Literal["installed", "detected", "installable"]
Action = Literal["fetch", "extract", "detect", "build", "install", "run", "reuse"]

PLAN_SCHEMA = "benchloom.plan/1"
TARGET_ROLE = "target"  # of what was asked for


class Candidate(Document, frozen=True, kw_only=True):
    """A component with a version, variations and an origin: one possible answer to a requirement.

    ``location`` is where a detected thing was found, ``state`` a digest of the names, sizes and times of the files it
    consists of (host facts; empty for the rest).
    """

    component: str
    family: str
    version: str = ""
    variations: tuple[str, ...] = ()
    origin: Origin = "installable"
    location: str = ""
    state: str = ""

    @property
    def label(self) -> str:
        """``kind:alias _variation @version (origin)`` for people."""
        words = [self.component, *(f"_{name}" for name in self.variations)]
        if self.version:
            words.append(f"@{self.version}")
        return f"{' '.join(words)} ({self.origin})"


class Platform(Value, frozen=True, kw_only=True):
    """The host facts that resolution depends on: ``linux``, ``x86_64``, Python ``3.11``."""

    os: str
    arch: str
    python: str


class Node(Document, frozen=True, kw_only=True):
    """One chosen thing and what will be done about it.

    Attributes:
        id: unique within the plan: ``program``, ``python`` or the component's reference with variations.
        roles: the roles it fills, sorted.
        reason: one sentence: why this candidate, over what.
        action: what the executor will do; ``reuse`` does nothing.
        uid: the component's uid.
        repo: the repository of the component, where that is not the built-in one.
        files: digest of the component's folder ('' where the component only describes something found on this machine).
        key: content address of its result ('' for detected things, which are referred to in place).
        needs: ids of the nodes it is built from, by role, sorted.
        required_by: the requirements it answers.
        fetch: what would be downloaded for ``fetch``/``extract``/``install``.
        bytes: total size to download; None where a size is unknown, 0 where nothing is.
        pip: for the Python environment, the exact requirements it is solved from.
        built_among: for those of them that are built among others, those others.
        env: variables it exports to what needs it.
    """

    id: str
    candidate: Candidate
    uid: str = ""
    repo: str = ""
    files: str = ""
    roles: tuple[str, ...] = ()
    reason: str = ""
    action: Action = "reuse"
    key: str = ""
    needs: dict[str, str] = {}
    required_by: tuple[Requirement, ...] = ()
    fetch: tuple[Fetch, ...] = ()
    bytes: int | None = 0
    digest: str = ""
    pip: tuple[str, ...] = ()
    built_among: dict[str, tuple[str, ...]] = {}
    env: dict[str, str] = {}


class Plan(Document, frozen=True, kw_only=True):
    """The whole graph in dependency order: a node comes after everything it needs, ties by id."""

    schema: str
    target: str
    command: str
    inputs: dict[str, str]
    env: dict[str, str]
    platform: Platform
    nodes: tuple[Node, ...]

    def node(self, node_id: str) -> Node:
        """Return a node by id. Raises KeyError."""
        return next_by_id(self.nodes, node_id)


def next_by_id(nodes: tuple[Node, ...], node_id: str) -> Node:
    """Return the node called ``node_id``. Raises KeyError."""
    for node in nodes:
        if node.id == node_id:
            return node
    raise KeyError(node_id)
