"""A record as JSON, as in its file."""

from pathlib import Path

from benchloom.model.record import Record


def document(value: tuple[Record, Path]) -> Record:
    """Return the record."""
    return value[0]
