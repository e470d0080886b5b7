"""Transports for URLs: one module each, whose class ``Transport`` states the schemes that it supports."""

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
    """Obtains files from URLs of its ``schemes``; one with ``is_local`` opens no socket and works offline."""

    schemes: ClassVar[tuple[str, ...]]
    is_local: ClassVar[bool]

    def __init__(self, options: FetchOptions, stop: threading.Event, talk: Talk) -> None: ...

    def prepare(self) -> None:
        """Import and read what every download needs.

        Raises OSError or ValueError.
        """

    def download(self, url: str, fetch: Fetch, part: Path) -> bool:
        """Download ``url`` to ``part`` and return whether an earlier attempt was resumed.

        Raises SourceError (PermanentSourceError if a retry would not help), WrongBytesError for a size other than
        stated, and KeyboardInterrupt once ``stop`` is set.
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
    """Tell whether ``url`` can be obtained without a socket."""
    found = transport_of(url)
    return found is not None and found.is_local


def is_remote(url: str) -> bool:
    """Tell whether ``url`` can be obtained over the network."""
    found = transport_of(url)
    return found is not None and not found.is_local
