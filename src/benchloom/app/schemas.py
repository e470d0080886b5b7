"""The JSON Schemas of all values that are written or read as JSON: output of ``--json``, and files.

To publish one more value, name its type in a table ``SCHEMAS`` of the module that defines it, then run ``loom schema --write schemas``.
"""

from pathlib import Path
from typing import Any

from benchloom.authoring.descriptions import Schema
from benchloom.authoring.json_schemas import json_schemas
from benchloom.base.atomic import write_bytes
from benchloom.base.names import did_you_mean
from benchloom.errors import UnknownNameError
from benchloom.index.built_in import refuse_installed
from benchloom.model.base import Document, SchemaTable, Value, to_json


class ErrorFields(Value, frozen=True, kw_only=True):
    """What went wrong.

    Attributes:
        kind: the class of the error.
        what: one sentence.
        where: file and key, URL or flag.
        why: reasons, outermost first.
        fix: what to do next.
        exit_code: the exit status of the command.
        details: further facts of this kind of error.
    """

    kind: str
    what: str
    where: str
    why: tuple[str, ...]
    fix: str
    exit_code: int
    details: dict[str, Any] = {}


class Failure(Document, frozen=True, kw_only=True):
    """What any command prints with ``--json`` if it fails."""

    error: ErrorFields


class CompletionScript(Value, frozen=True, kw_only=True):
    """Code that makes a shell complete this command.

    Attributes:
        shell: name of the shell.
        script: what the shell must evaluate.
    """

    shell: str
    script: str


class Published(Value, frozen=True, kw_only=True):
    """One line of ``loom schema``.

    Attributes:
        name: name of the schema.
        summary: where its values are found.
    """

    name: str
    summary: str


SCHEMAS: SchemaTable = {
    "completion": (CompletionScript, "loom completion --json"),
    "schema-list": (tuple[Published, ...], "loom schema --json"),
    "error": (Failure, "any command that fails, with --json"),
}


def schemas() -> dict[str, Schema]:
    """Return every schema by name: those of values, and one for the metadata file of each kind of component."""
    return json_schemas()


def schema(name: str) -> Schema:
    """Return one schema. Raises UnknownNameError."""
    known = schemas()
    if name not in known:
        raise UnknownNameError(
            f"there is no schema {name!r}", where="command line", fix=did_you_mean(name, known) or "see loom schema"
        )
    return known[name]


def listing() -> tuple[Published, ...]:
    """Return the name of each schema, and where its values are found."""
    return tuple(Published(name=name, summary=item["title"]) for name, item in schemas().items())


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write ``<name>.schema.json`` for every schema, remove those of names that no longer exist, and return the files."""
    refuse_installed(folder)
    written = schema_files()
    for path in folder.glob("*.schema.json"):
        if path.name not in written:
            path.unlink()
    for name, data in written.items():
        write_bytes(folder / name, data)
    return tuple(folder / name for name in written)


def schema_files() -> dict[str, bytes]:
    """Return file names with contents."""
    return {f"{name}.schema.json": to_json(item) for name, item in schemas().items()}
