"""A record as JSON: what its file holds."""

from pathlib import Path

from benchloom.model.record import Record


def document(value: tuple[Record, Path]) -> Record:
    """Return the record."""
    return value[0]
