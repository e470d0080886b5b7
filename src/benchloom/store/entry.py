"""What an entry of the store says of itself in its entry.json."""

import msgspec

from benchloom.model.base import Document, SchemaName, SchemaTable
from benchloom.model.schema_version import refuse_newer_schema

ENTRY_SCHEMA = "benchloom.entry/1"


class Entry(Document, frozen=True, kw_only=True):
    """What ``entry.json`` says of one entry.

    Attributes:
        key: its content address.
        label: what it is, for people.
        created: UTC, ISO 8601.
        files: digests (``sha256:…``) by relative path.
        links: targets of symbolic links by relative path.
        size: total size of the files in bytes.
        meta: further facts of it by name.
    """

    schema: SchemaName
    key: str
    label: str
    created: str
    files: dict[str, str]
    links: dict[str, str]
    size: int
    meta: dict[str, str]


SCHEMAS: SchemaTable = {"store-entry": (Entry, "the file entry.json of each entry of the store")}


def decode_entry(data: bytes, where: str) -> Entry | str:
    """Return the entry that ``data``, the content of the file ``where``, describes, or a sentence about what is wrong with it.

    Raises InputError if a newer Benchloom wrote it: that one is not damaged.
    """
    try:
        entry = msgspec.json.decode(data, type=Entry)
    except msgspec.DecodeError as error:
        refuse_newer_schema(data, ENTRY_SCHEMA, what="an entry of the store", where=where)
        return f"entry.json cannot be read: {error}"
    if entry.schema != ENTRY_SCHEMA:
        refuse_newer_schema(data, ENTRY_SCHEMA, what="an entry of the store", where=where)
        return f"it is of schema {entry.schema!r}"
    return entry
