"""What an execution works with, and what it has made so far."""

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
    """A Python environment that is no entry of the store: made in ``folder``, to work as ``final``.

    ``interpreter`` is the Python it is made of, ``also`` are requirements beyond the plan's, ``locked`` takes the place
    of solving.
    """

    folder: Path
    final: Path
    interpreter: Path
    also: tuple[str, ...] = ()
    locked: tuple[Distribution, ...] = ()


@dataclass(frozen=True)
class ExecutionContext:
    """What executing a plan takes besides the plan: nothing here knows which components there are.

    ``repositories`` are the root folders of the plan's repositories, by alias. ``environment`` is where Python libraries go
    instead of the store; ``verify`` digests every byte that is reused.
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
        """Return the folder of a node's component. Raises InputError if its repository is not here."""
        if node.repo not in self.repositories:
            raise InputError(
                f"the plan needs the repository {node.repo!r}, which is not here",
                where=f"{node.id}: {node.file}",
                fix=f"add it: loom repo add URL, where URL is that of {node.repo}",
            )
        return self.repositories[node.repo] / node.path


@dataclass
class Prepared:
    """What became of the nodes: facts by node id, the interpreter that serves the plan, and what was put into it."""

    python: Path = field(default_factory=lambda: Path(sys.executable))
    facts: dict[str, Facts] = field(default_factory=dict)
    distributions: tuple[Distribution, ...] = ()


@dataclass(frozen=True)
class Step:
    """What is done (``act``) before the nodes ``holds_back`` are prepared, and after all others are."""

    holds_back: Collection[str]
    act: Callable[[Prepared], None]
