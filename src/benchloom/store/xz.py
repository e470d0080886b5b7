"""Decompress LZMA in bounded memory: a file can make its decompressor need up to 4 GiB."""

import io
import lzma
import struct
import zipfile
from pathlib import Path
from typing import IO

from benchloom.base.limits import LZMA_MEMORY_BYTES, MIB

_CHUNK = 1 << 16
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip member: the lengths of its name and of its extra field
_PROPERTIES = struct.Struct(
    "<5xI"
)  # before its compressed bytes: version, length, lc/lp/pb; then the size of the dictionary


class XzReader(io.RawIOBase):
    """The decompressed content of an .xz or .lzma file with one or several streams.

    Reading raises lzma.LZMAError about damaged bytes and a stream that needs more than LZMA_MEMORY_BYTES, EOFError at
    an early end.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._source = path.open("rb")
        self._start()

    def _start(self) -> None:
        self._decompressor = lzma.LZMADecompressor(memlimit=LZMA_MEMORY_BYTES)
        self._place = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the decompressed data."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek to the start; other positions are not supported."""
        if offset or whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only seek(0)")
        self._source.seek(0)
        self._start()
        return 0

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, fewer only at the end."""
        wanted = _CHUNK if size < 0 else size
        found = bytearray()
        while len(found) < wanted and (not self._decompressor.eof or self._next_stream()):
            data = self._source.read(_CHUNK) if self._decompressor.needs_input else b""
            if not data and self._decompressor.needs_input:
                raise EOFError("compressed file ended before the end-of-stream marker was reached")
            found += self._decompress(data, wanted - len(found))
        self._place += len(found)
        return bytes(found)

    def _decompress(self, data: bytes, size: int) -> bytes:
        try:
            return self._decompressor.decompress(data, size)
        except lzma.LZMAError as error:
            if "Memory usage limit" not in str(error):
                raise
            raise lzma.LZMAError(_too_much("it")) from error

    def _next_stream(self) -> bool:
        """Start the next stream; tell whether there is one.

        Streams may be separated by zero bytes.
        """
        data = self._decompressor.unused_data
        while not (data := data.lstrip(b"\0")):
            if not (data := self._source.read(_CHUNK)):
                return False
        self._decompressor = lzma.LZMADecompressor(memlimit=LZMA_MEMORY_BYTES)
        self._source.seek(-len(data), io.SEEK_CUR)
        return True

    def close(self) -> None:
        """Close the file."""
        self._source.close()
        super().close()


def refuse_large_dictionary(archive: IO[bytes], info: zipfile.ZipInfo) -> None:
    """Raise lzma.LZMAError if a member of a zip needs more than LZMA_MEMORY_BYTES.

    ``archive`` is the open zip file; its position changes.
    """
    if info.compress_type != zipfile.ZIP_LZMA:
        return
    archive.seek(info.header_offset)
    name, extra = _LOCAL_HEADER.unpack(archive.read(_LOCAL_HEADER.size))
    archive.seek(name + extra, io.SEEK_CUR)
    head = archive.read(_PROPERTIES.size)
    if len(head) == _PROPERTIES.size and _PROPERTIES.unpack(head)[0] > LZMA_MEMORY_BYTES:
        raise lzma.LZMAError(_too_much(info.filename))


def _too_much(what: str) -> str:
    return f"{what} needs more than {LZMA_MEMORY_BYTES // MIB} MiB of memory to be decompressed"
