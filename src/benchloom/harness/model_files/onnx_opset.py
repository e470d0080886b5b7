"""The opset of an ONNX file: ONNX Runtime does not report it, and a run does not require the package ``onnx``.

A file is a protocol buffer ``ModelProto``; its field 8 (``opset_import``) holds for each domain of operators a message
with fields 1 (domain, '' or ``ai.onnx`` for ONNX's own) and 2 (version). Source: onnx/onnx.proto. The graph, nearly the
whole file, is skipped.
"""

import io
import os
from collections.abc import Iterator
from typing import IO

from benchloom.errors import InputError
from benchloom.model.facts import Model

_OPSET_IMPORT, _DOMAIN, _VERSION = 8, 1, 2
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_OWN = (b"", b"ai.onnx")
_LONGEST = 10  # bytes of a number


def onnx_opset(path: str) -> int | None:
    """Return the version of ONNX's own operators that the file at ``path`` states, or None if it states none.

    May raise OSError. A file of another type has none.
    """
    with open(path, "rb") as stream:
        try:
            for field, message in _fields(stream, os.path.getsize(path), {_OPSET_IMPORT}):
                if field == _OPSET_IMPORT and isinstance(message, bytes):
                    inner = dict(_fields(io.BytesIO(message), len(message), {_DOMAIN, _VERSION}))
                    version = inner.get(_VERSION)
                    if inner.get(_DOMAIN, b"") in _OWN and isinstance(version, int):
                        return version
        except EOFError:
            return None
    return None


def checked_opset(model: Model, path: str) -> int | None:
    """Return the opset of the file of ``model``.

    Raises InputError if its facts state another one; may raise OSError.
    """
    opset = onnx_opset(path)
    if model.opset is not None and opset != model.opset:
        raise InputError(
            f"the file has opset {opset}, its facts state {model.opset}",
            where=path,
            fix="choose the component with that opset, or state the opset in your own component",
        )
    return opset


def _fields(stream: IO[bytes], size: int, wanted: set[int]) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and content of the ``wanted`` fields of a message of ``size`` bytes.

    Raises EOFError if it is invalid.
    """
    while stream.tell() < size:
        key = _number(stream)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value = _number(stream)
            if field in wanted:
                yield field, value
            continue
        if kind not in {_FIXED_64, _BYTES, _FIXED_32}:
            raise EOFError
        length = _number(stream) if kind == _BYTES else 8 if kind == _FIXED_64 else 4
        if length > size - stream.tell():
            raise EOFError
        if kind == _BYTES and field in wanted:
            yield field, stream.read(length)
        else:
            stream.seek(length, io.SEEK_CUR)


def _number(stream: IO[bytes]) -> int:
    found = 0
    for place in range(_LONGEST):
        byte = stream.read(1)
        if not byte:
            raise EOFError
        found |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return found
    raise EOFError
