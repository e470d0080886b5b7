"""The interface that lower layers use for messages to the user.

Data goes to stdout, messages to stderr; only the CLI decides how.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """A progress bar: call ``advance`` with the units done since the last call."""

    def advance(self, amount: int) -> None:
        """Add ``amount`` units (bytes, images, queries)."""

    def total(self, amount: int | None) -> None:
        """Set or correct the expected total; None means unknown."""


class Talk(Protocol):
    """Messages and progress for a person.

    Implementations must be safe to call from several threads.
    """

    def note(self, text: str) -> None:
        """Print one line of information."""

    def warn(self, text: str) -> None:
        """Print one line of warning."""

    def progress(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Progress]:
        """Open a progress bar for work of ``total`` units (None: unknown).

        ``unit`` is a plural (images), ``B`` for bytes, ``s`` for work that lasts ``total`` seconds at least, or empty
        if nothing is
        counted: the bar only shows activity.
        """


class _SilentProgress:
    def advance(self, amount: int) -> None:
        """Ignore."""

    def total(self, amount: int | None) -> None:
        """Ignore."""


class Silent:
    """Talk that prints nothing: for tests, ``--quiet`` and use as a library."""

    def note(self, text: str) -> None:
        """Ignore."""

    def warn(self, text: str) -> None:
        """Ignore."""

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[Progress]:
        """Yield a bar that shows nothing."""
        yield _SilentProgress()
