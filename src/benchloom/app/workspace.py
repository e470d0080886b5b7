"""The context of every use case: locations, repositories, index, store and settings, each opened on first use."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benchloom.app.settings import UserConfig, load_settings
from benchloom.base.paths import Locations, locate
from benchloom.base.talk import Silent, Talk
from benchloom.index.built_in import built_in_repository
from benchloom.index.index import Index, load
from benchloom.index.repositories import Repository, list_repositories

if TYPE_CHECKING:
    from benchloom.store.entries import Store
    from benchloom.store.fetch import Fetcher


class Workspace:
    """The state of this machine for one invocation. Nothing is read or created before first use."""

    def __init__(
        self, environ: Mapping[str, str], *, talk: Talk | None = None, offline: bool = False, mirror: str = ""
    ) -> None:
        self.environ = dict(environ)
        self.talk: Talk = talk or Silent()
        self._offline, self._mirror = offline, mirror
        self._more: list[Path] = []

    @cached_property
    def settings(self) -> UserConfig:
        """The user's settings: defaults, then the settings file, then the environment."""
        return load_settings(self.environ)

    @property
    def offline(self) -> bool:
        """Whether no socket may be opened."""
        return self._offline or self.settings.offline

    @property
    def mirror(self) -> str:
        """Folder or base URL tried first for downloads; empty for none."""
        return self._mirror or self.settings.mirror

    @cached_property
    def locations(self) -> Locations:
        """The home of this user, created."""
        return locate(self.environ).ensure()

    def search_too(self, folders: Iterable[Path]) -> None:
        """Add these folders as repositories of this invocation, after the user's own. Call it before any lookup."""
        self._more = [folder.resolve() for folder in folders]

    @cached_property
    def repositories(self) -> tuple[Repository, ...]:
        """Repositories in order of precedence: the built-in one, added ones, those of this invocation; a higher priority comes first."""
        return list_repositories(self.locations, built_in_repository(), self._more)

    @cached_property
    def index(self) -> Index:
        """The index over all repositories, from its cache if that is current."""
        return load(self.repositories, self.locations.index)

    @cached_property
    def trusted(self) -> frozenset[str]:
        """Aliases of the repositories that may run their own commands during planning."""
        return self.index.trusted

    @cached_property
    def store(self) -> "Store":
        """The content-addressed store."""
        from benchloom.store.entries import Store  # late: verbs on components need no store

        return Store(self.locations.store, self.talk)

    @cached_property
    def fetcher(self) -> "Fetcher":
        """The fetcher with this invocation's options."""
        from benchloom.store.fetch import Fetcher, FetchOptions  # late: a plan downloads nothing

        options = FetchOptions(offline=self.offline, mirror=self.mirror, is_mirror_preferred=bool(self._mirror))
        return Fetcher(self.locations.store, options, self.talk)
