"""The context of an execution, and its results so far."""

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchloom.base.talk import Talk
from benchloom.errors import InputError
from benchloom.model.environment import Distribution
from benchloom.model.facts import Facts
from benchloom.model.plan import Node
from benchloom.store.entries import Store
from benchloom.store.fetch import Fetcher

if TYPE_CHECKING:
    from benchloom.store.environments.seam import Installer


@dataclass(frozen=True)
class OwnEnvironment:
    """A Python environment outside the store: created in ``folder``, to be renamed to ``final``.

    ``interpreter`` is its Python, ``also`` are requirements beyond the plan's, ``locked`` replaces solving.
    """

    folder: Path
    final: Path
    interpreter: Path
    also: tuple[str, ...] = ()
    locked: tuple[Distribution, ...] = ()


@dataclass(frozen=True)
class ExecutionContext:
    """Everything besides the plan that its execution needs; the index is not part of it.

    ``repositories`` are the root folders of the plan's repositories, by alias. ``environment`` is the target of Python
    libraries instead of the store; ``verify`` digests all reused files.
    """

    repositories: Mapping[str, Path]
    store: Store
    fetcher: Fetcher
    talk: Talk
    environ: Mapping[str, str]
    offline: bool
    logs: Path
    runtime: Path
    find_links: str = ""
    installer: "Installer" = "auto"
    environment: OwnEnvironment | None = None
    verify: bool = False

    def folder(self, node: Node) -> Path:
        """Return the folder of a node's component. Raises InputError if its repository is missing."""
        if node.repo not in self.repositories:
            raise InputError(
                f"the plan requires the repository {node.repo!r}, which has not been added",
                where=f"{node.id}: {node.file}",
                fix=f"add it: loom repo add URL, where URL is that of {node.repo}",
            )
        return self.repositories[node.repo] / node.path


@dataclass
class Prepared:
    """The results of the nodes: facts by node id, the interpreter of the plan, and its installed distributions."""

    python: Path = field(default_factory=lambda: Path(sys.executable))
    facts: dict[str, Facts] = field(default_factory=dict)
    distributions: tuple[Distribution, ...] = ()


@dataclass(frozen=True)
class Step:
    """An action (``act``) between the preparation of all other nodes and of those in ``holds_back``."""

    holds_back: Collection[str]
    act: Callable[[Prepared], None]
