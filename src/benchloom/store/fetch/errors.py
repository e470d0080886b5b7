"""Why a source gave no file: caught here, one source after the other, and reported together."""


class WrongBytesError(Exception):
    """A source delivered bytes that are not the file."""


class SourceError(Exception):
    """A source did not deliver. ``wait`` is how many seconds it asks for before the next attempt."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class PermanentSourceError(SourceError):
    """A source does not deliver, however often it is asked."""


class UnsupportedSourceError(PermanentSourceError):
    """A source is no address that files can be fetched from."""
