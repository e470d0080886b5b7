"""Local files, by file URL."""

import shutil
import threading
import urllib.parse
from pathlib import Path

from benchloom.base.talk import Talk
from benchloom.model.component import Fetch
from benchloom.store.fetch.errors import SourceError
from benchloom.store.fetch.names import split_url
from benchloom.store.fetch.options import FetchOptions
from benchloom.store.fetch.parts import forget


class Transport:
    """Copies local files."""

    schemes = ("file",)
    is_local = True

    def __init__(self, options: FetchOptions, stop: threading.Event, talk: Talk) -> None:
        """Accept the arguments of every transport."""

    def prepare(self) -> None:
        """Do nothing: copying needs no preparation."""

    def download(self, url: str, fetch: Fetch, part: Path) -> bool:
        """Copy the file at ``url`` into ``part``, which is never resumed.

        Raises SourceError.
        """
        path = Path(urllib.parse.unquote(split_url(url).path))
        forget(part)
        if not path.is_file():
            raise SourceError(f"file not found: {path}")
        try:
            shutil.copyfile(path, part)
        except PermissionError as error:
            raise SourceError(f"{error.strerror}: {path}") from error
        return False
