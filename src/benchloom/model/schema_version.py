"""Which documents are read: each says its schema, a name with a number that rises with every change of meaning."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from benchloom.errors import InputError

Read = TypeVar("Read", bound=msgspec.Struct)


class _Head(msgspec.Struct):
    """What tells how the rest of a document is to be read."""

    schema: str


def decode_document(data: bytes, type_: type[Read], schema: str, *, what: str, where: str, fix: str) -> Read:
    """Return the document ``what`` that ``data``, the content of ``where``, is: a value of ``type_``, whose schema is ``schema``.

    Raises InputError if it is of another schema or does not fit; ``fix`` is what to do unless a newer Benchloom wrote it.
    """
    try:
        found = msgspec.json.decode(data, type=_Head).schema
        refuse_unknown_schema(found, [schema], what=what, where=where, fix=fix)
        return msgspec.json.decode(data, type=type_)
    except msgspec.MsgspecError as error:
        raise misfit(error, what=what, where=where, fix=fix) from error


def misfit(error: msgspec.MsgspecError, *, what: str, where: str, fix: str) -> InputError:
    """Return the error for a document ``what`` at ``where`` that is not what its schema says."""
    return InputError(f"{what} does not fit its schema", where=where, why=[str(error)], fix=fix)


def refuse_unknown_schema(found: str, known: Sequence[str], *, what: str, where: str, fix: str) -> None:
    """Raise InputError if ``found``, the schema of the document ``what`` at ``where``, is none of ``known`` (oldest first).

    ``fix`` is what to do about one that is not newer than all of these.
    """
    if found not in known:
        raise InputError(
            f"{what} is of schema {found!r}, which is not known",
            where=where,
            why=[f"this version of Benchloom reads {', '.join(known)}"],
            fix="it was written by a newer Benchloom: upgrade" if _is_newer(found, known[-1]) else fix,
        )


def refuse_newer_schema(data: bytes, schema: str, *, what: str, where: str) -> None:
    """Raise InputError if ``data`` are a document of a newer ``schema``: unlike a damaged one, it must not be replaced."""
    try:
        found = msgspec.json.decode(data, type=_Head).schema
    except msgspec.MsgspecError:
        return
    if _is_newer(found, schema):
        refuse_unknown_schema(found, [schema], what=what, where=where, fix="")


def _is_newer(found: str, present: str) -> bool:
    return _number(found, present) > _number(present, present)


def _number(schema: str, like: str) -> int:
    """Return the number of a schema of the same name as ``like``; -1 if it is no such schema."""
    name, _, number = schema.rpartition("/")
    return int(number) if name == like.rpartition("/")[0] and number.isascii() and number.isdecimal() else -1
