"""Records on disk: one JSON file per run, written atomically."""

from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.atomic import write_bytes
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.base import to_json
from benchloom.model.migrations import decode_record
from benchloom.model.record import Record
from benchloom.model.schema_version import misfit


def save(record: Record, folder: Path) -> Path:
    """Write ``record`` to ``<folder>/<id>.json`` and return the path."""
    path = folder / f"{record.id}.json"
    write_bytes(path, to_json(record))
    return path


def load(path: Path) -> Record:
    """Read one record, of this schema or an earlier one. Raises InputError naming the file and the invalid key."""
    try:
        return decode_record(bounded.read_bytes(path, limits.DOCUMENT_BYTES), str(path))
    except OSError as error:
        raise InputError("the record cannot be read", where=str(path), why=[str(error)]) from error
    except msgspec.MsgspecError as error:
        fix = "see what a record has: loom schema record"
        raise misfit(error, what="the record", where=str(path), fix=fix) from error


def paths(folder: Path) -> tuple[Path, ...]:
    """Return the record files, oldest first (ids begin with the UTC time)."""
    return tuple(sorted(folder.glob("*.json"))) if folder.is_dir() else ()


def find(name: str, folder: Path) -> Path:
    """Return the record called ``name``: a path, an id, a prefix of one, or ``last``. Raises UnknownNameError."""
    if Path(name).is_file():
        return Path(name)
    known = paths(folder)
    if name == "last" and known:
        return known[-1]
    found = [path for path in known if path.stem.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNameError(f"{len(found)} records start with {name!r}", why=[path.stem for path in found])
    hint = did_you_mean(name, [path.stem for path in known]) or "see loom record ls"
    raise UnknownNameError(f"there is no record {name!r}", where=str(folder), fix=hint)
