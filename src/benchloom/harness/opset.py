"""The version of ONNX's own operators in a file, read from its message without the library ``onnx``.

Of ModelProto only field 8, ``opset_import``, is read: messages of a domain (field 1, '' or ``ai.onnx`` for ONNX's own) and a version
(field 2). Everything else is skipped, however large.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_OPSET_IMPORT, _DOMAIN, _VERSION = 8, 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OWN = (b"", b"ai.onnx")
_MOST = 1 << 16  # bytes of one opset_import


def opset_of(path: Path) -> int | None:
    """Return the opset of the ONNX file at ``path``; None if it states none or is no such file. Raises OSError."""
    with path.open("rb") as stream:
        try:
            for field, value in _fields(stream, os.fstat(stream.fileno()).st_size, _OPSET_IMPORT):
                if field == _OPSET_IMPORT and isinstance(value, bytes):
                    parts = dict(_fields(io.BytesIO(value), len(value), _DOMAIN))
                    version = parts.get(_VERSION)
                    if parts.get(_DOMAIN, b"") in _OWN and isinstance(version, int):
                        return version
        except ValueError:
            return None
    return None


def _fields(stream: BinaryIO, size: int, wanted: int) -> Iterator[tuple[int, int | bytes]]:
    """Yield numbers by field, and bytes of the field ``wanted``. Raises ValueError for what is no message of ``size`` bytes."""
    while stream.tell() < size:
        field, kind = divmod(_varint(stream), 8)
        if kind == _VARINT:
            yield field, _varint(stream)
        elif kind == _BYTES:
            length = _varint(stream)
            if stream.tell() + length > size:
                raise ValueError("a field is longer than the file")
            if field == wanted and length <= _MOST:
                yield field, stream.read(length)
            else:
                stream.seek(length, os.SEEK_CUR)
        elif kind in {_FIXED64, _FIXED32}:
            stream.seek(8 if kind == _FIXED64 else 4, os.SEEK_CUR)
        else:
            raise ValueError("no such kind of field")


def _varint(stream: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("a number does not end")
