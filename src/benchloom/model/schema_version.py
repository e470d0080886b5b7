"""Which documents are read: each says its schema, a name with a number that rises with every change of meaning."""

from collections.abc import Sequence

from benchloom.errors import InputError


def refuse_unknown_schema(found: str, known: Sequence[str], *, what: str, where: str, fix: str) -> None:
    """Raise InputError if ``found``, the schema of the document ``what`` at ``where``, is none of ``known`` (oldest first).

    ``fix`` is what to do about one that is not newer than all of these.
    """
    if found in known:
        return
    is_newer = _number(found, known[-1]) > _number(known[-1], known[-1])
    raise InputError(
        f"{what} is of schema {found!r}, which is not known",
        where=where,
        why=[f"this version of Benchloom reads {', '.join(known)}"],
        fix="it was written by a newer Benchloom: upgrade" if is_newer else fix,
    )


def _number(schema: str, like: str) -> int:
    """Return the number of a schema of the same name as ``like``; -1 if it is no such schema."""
    name, _, number = schema.rpartition("/")
    return int(number) if name == like.rpartition("/")[0] and number.isascii() and number.isdecimal() else -1
