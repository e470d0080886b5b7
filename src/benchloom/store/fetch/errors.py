"""Errors of a single source: collected for all sources and reported together."""


class WrongBytesError(Exception):
    """A source delivered a file that does not match."""


class SourceError(Exception):
    """A source failed.

    ``wait`` is the number of seconds that it requests before the next attempt.
    """

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class PermanentSourceError(SourceError):
    """A source failed and a retry would not help."""


class UnsupportedSourceError(PermanentSourceError):
    """A source has a URL that cannot be fetched."""
