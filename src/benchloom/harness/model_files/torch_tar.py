"""State dicts in the tar archive that ``torch.save`` wrote before torch 0.1.10, read without running code of the file.

    sys_info   pickle of a table: protocol version, byte order, sizes of C's types
    storages   pickle of their number; of each: pickle of (key, device, type), int64 elements, the elements;
               then pickle of a list of (key, key of the whole, offset, elements) for storages that are parts of others
    tensors    pickle of their number; of each: pickle of (key, key of the storage, type), int32 dimensions and four
    bytes of
               padding, then int64 sizes, strides and offset
    pickle     the object, with each tensor as the persistent id that is its key

(Source: torch/serialization.py, ``_legacy_load``.) Every number in the file is checked against its size.
"""

import math
import pickle
import struct
import tarfile
from collections import OrderedDict
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MEMBERS = frozenset({"sys_info", "pickle", "tensors", "storages"})
_MOST_MEMBERS = 16  # that are checked
_MOST_DIMENSIONS = 64
_MOST_TENSORS = 1_000_000
# Element types by the names of torch's classes: ``FloatStorage`` holds floats, ``FloatTensor`` is a tensor of them.
_DTYPES = {
    "Byte": np.uint8,
    "Char": np.int8,
    "Short": np.int16,
    "Int": np.int32,
    "Long": np.int64,
    "Half": np.float16,
    "Float": np.float32,
    "Double": np.float64,
}
_VARIABLES = frozenset({("torch.nn.parameter", "Parameter"), ("torch.autograd.variable", "Variable")})

Storages = dict[int, NDArray[np.generic]]


def is_torch_tar(path: str) -> bool:
    """Tell whether the file at ``path`` is an archive with torch's four members. May raise OSError."""
    try:
        with tarfile.open(path, "r:") as archive:
            return set(_members(archive)) >= _MEMBERS
    except tarfile.ReadError:
        return False


def read(path: str) -> Any:
    """Return the object in the archive at ``path``, with its tensors. May raise any error for a damaged file."""
    with tarfile.open(path, "r:") as archive:
        members = _members(archive)
        system = _Unpickler(_stream(archive, members["sys_info"])).load()
        if not (isinstance(system, dict) and system.get("little_endian")):
            raise ValueError("it was written on a machine with another byte order")
        storages = _storages(_stream(archive, members["storages"]), members["storages"].size)
        tensors = _tensors(_stream(archive, members["tensors"]), storages)
        found = _Unpickler(_stream(archive, members["pickle"]), tensors).load()
    if not isinstance(found, dict):
        return found
    return OrderedDict((name, item.data if isinstance(item, _Variable) else item) for name, item in found.items())


def _members(archive: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    while len(found) < _MOST_MEMBERS and (item := archive.next()):
        if item.name in found:
            raise ValueError(f"it has two members {item.name}")
        found[item.name] = item
    return found


def _stream(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    stream = archive.extractfile(member) if member.isreg() and not member.issparse() else None
    if stream is None:
        raise ValueError(f"its member {member.name} is not a plain file")
    return stream  # type: ignore[return-value]


class _Variable:
    """A parameter as written by those releases: constructed from its tensor, or with it as the first of five state items."""

    data: Tensor | None = None

    def __init__(self, data: Tensor) -> None:
        self.data = data

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Take the tensor, if present; the rest is used only in training."""
        if len(state) == 5:
            self.data = state[0]


class _Unpickler(pickle._Unpickler):  # noqa: SLF001 - the C version allocates as much memory as a file states
    """Reads numbers, strings, tuples, lists and dicts; the only accepted names are element types, parameters and ordered dicts."""

    def __init__(self, stream: BinaryIO, tensors: dict[int, Tensor] | None = None) -> None:
        super().__init__(stream, encoding="latin1")
        self._tensors = tensors or {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in _VARIABLES:
            return _Variable
        kind = name.removesuffix("Storage").removesuffix("Tensor")
        if module in {"torch", "torch.tensor", "torch.storage"} and kind in _DTYPES and kind != name:
            return np.dtype(_DTYPES[kind])
        full = f"{module}.{name}"[:100]
        raise pickle.UnpicklingError(f"it names {full}, which a state dict does not need; no code was run")

    def persistent_load(self, pid: Any) -> Tensor:
        return self._tensors[int(pid)]


def _storages(stream: BinaryIO, size: int) -> Storages:
    found: Storages = {}
    for _ in range(_count(stream)):
        key, dtype = _key_and_type(stream)
        (elements,) = struct.unpack("<q", _exactly(stream, 8))
        if not 0 <= elements * dtype.itemsize <= size:
            raise ValueError(f"a storage of {elements} elements does not fit into the file")
        found[key] = np.frombuffer(_exactly(stream, elements * dtype.itemsize), dtype)
    for key, whole, offset, elements in _Unpickler(stream).load():
        if not (offset >= 0 and 0 <= elements <= len(found[whole]) - offset):
            raise ValueError(f"a storage of {elements} elements is outside the one that it is a part of")
        found[key] = found[whole][offset : offset + elements]
    return found


def _key_and_type(stream: BinaryIO) -> tuple[int, np.dtype[Any]]:
    key, _device, dtype = _Unpickler(stream).load()
    if not (isinstance(key, int) and isinstance(dtype, np.dtype)):
        raise TypeError("a storage has no key or no type of elements")
    return key, dtype


def _tensors(stream: BinaryIO, storages: Storages) -> dict[int, Tensor]:
    found = {}
    for _ in range(_count(stream)):
        key, storage, _type = _Unpickler(stream).load()
        (dimensions,) = struct.unpack("<i4x", _exactly(stream, 8))
        if not 0 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(f"a tensor has {dimensions} dimensions")
        numbers = struct.unpack(f"<{2 * dimensions + 1}q", _exactly(stream, 8 * (2 * dimensions + 1)))
        sizes, strides, offset = numbers[:dimensions], numbers[dimensions:-1], numbers[-1]
        elements = storages[storage]
        _refuse_outside(sizes, strides, offset, len(elements))
        found[key] = torch.as_strided(torch.from_numpy(elements), sizes, strides, offset)
    return found


def _refuse_outside(sizes: tuple[int, ...], strides: tuple[int, ...], offset: int, elements: int) -> None:
    last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    is_inside = not all(sizes) or (last < elements and math.prod(sizes) <= elements)
    if min((offset, *sizes, *strides)) < 0 or not is_inside:
        raise ValueError(f"a tensor of {list(sizes)} is outside its storage of {elements} elements")


def _count(stream: BinaryIO) -> int:
    count = _Unpickler(stream).load()
    if not isinstance(count, int) or not 0 <= count <= _MOST_TENSORS:
        raise ValueError("it does not start with the number of tensors")
    return count


def _exactly(stream: BinaryIO, size: int) -> bytearray:
    data = bytearray(size)
    if stream.readinto(data) != size:  # type: ignore[attr-defined]
        raise EOFError("it is truncated")
    return data
