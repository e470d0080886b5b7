"""Models whose files a local server has, for tests of script:check-published-models."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import overlay

TARGET = "script:check-published-models"


@dataclass
class Trial:
    """A repository of models whose files a server has, and the command line over it."""

    repo: Repo
    server: FileServer
    loom: Loom

    def model(self, alias: str, served: bytes | None, *, stated: bytes | None = None, pinned: bool = True) -> str:
        """Let the server have ``served`` (None: nothing) for a model whose component states size and digest of ``stated``."""
        name = f"{alias}.file"
        if served is not None:
            (self.server.folder / name).write_bytes(served)
        known = served if stated is None else stated
        overlay(self.repo, alias, self.server.url(name), known or b"", served=True, pinned=pinned)
        return f"package:{alias}-served"

    def state(self, alias: str, **published: object) -> None:
        """Add to what the component states of its published file, and ``fetch`` to its download."""
        file = self.repo.root / "package" / f"{alias}-served" / ".cm" / "meta.json"
        meta = json.loads(file.read_text())
        meta["fetch"][0].pop("unpinned", None)
        meta["fetch"][0].update(published.pop("fetch", {}))
        meta["published"].update(published)
        file.write_text(json.dumps(meta))

    def check(self, *words: str) -> Answer:
        return self.loom("run", TARGET, *(words or ("--models=served",)), limit=300)


@contextmanager
def trial_in(folder: Path, loom: Callable[[Path, Repo], Loom] = Loom) -> Iterator[Trial]:
    """Serve ``folder/served`` for a repository in ``folder``, with a home of its own that ``loom`` makes."""
    (folder / "served").mkdir()
    repo = Repo(folder / "repo")
    with FileServer(folder / "served") as server:
        yield Trial(repo, server, loom(folder / "home", repo))


def lines_on(answer: Answer, ref: str) -> str:
    """Return the lines of the report on one model."""
    _, found, rest = answer.err.partition(f"\n{ref}: ")
    assert found, answer.err
    return rest.partition("\npackage:")[0]
