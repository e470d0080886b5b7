"""How files are obtained from URLs: a module per transport, whose class ``Transport`` states the schemes it is for."""

import importlib
import pkgutil
import threading
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol

from benchloom.base.talk import Talk
from benchloom.model.component import Fetch
from benchloom.store.fetch.names import split_url
from benchloom.store.fetch.options import FetchOptions


class Transport(Protocol):
    """What obtains files from URLs of its ``schemes``; one that ``is_local`` opens no socket, and may be used offline."""

    schemes: ClassVar[tuple[str, ...]]
    is_local: ClassVar[bool]

    def __init__(self, options: FetchOptions, stop: threading.Event, talk: Talk) -> None: ...

    def prepare(self) -> None:
        """Import and read what every download needs. Raises OSError or ValueError."""

    def download(self, url: str, fetch: Fetch, part: Path) -> bool:
        """Put the file at ``url`` into ``part`` and return whether its beginning is from an earlier attempt.

        Raises SourceError (PermanentSourceError if asking again is no use), WrongBytesError for another size than stated, and
        KeyboardInterrupt once ``stop`` is set.
        """


@cache
def transports() -> dict[str, type[Transport]]:
    """Return the transports of this package by scheme, sorted."""
    modules = [importlib.import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__)]
    return dict(sorted((scheme, item.Transport) for item in modules for scheme in item.Transport.schemes))


def transport_of(url: str) -> type[Transport] | None:
    """Return the transport for the scheme of ``url``; None if there is none."""
    return transports().get(split_url(url).scheme)


def is_local(url: str) -> bool:
    """Tell whether what is at ``url`` can be obtained without a socket."""
    found = transport_of(url)
    return found is not None and found.is_local


def is_remote(url: str) -> bool:
    """Tell whether what is at ``url`` can be obtained over a network."""
    found = transport_of(url)
    return found is not None and not found.is_local
