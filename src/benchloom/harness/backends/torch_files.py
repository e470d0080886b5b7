"""The three containers in which ``torch.save`` has written, told apart and read without running anything of the file.

* ``zip`` since torch 1.6, and ``pickle`` (one stream of pickles) from 0.1.10 to 1.5: read by ``torch.load`` with its restricted
  unpickler.
* ``tar`` in the first releases of 2016 and 2017, as of torchvision's files of that time: members ``sys_info``, ``pickle``, ``tensors``
  and ``storages``. torch reads it only without restrictions, so it is read here (torch/serialization.py, ``_legacy_load``, says what
  each member holds).

A zip with ``constants.pkl`` is TorchScript: a program, and none of the three.
"""

import math
import pickle
import struct
import tarfile
from collections import OrderedDict
from typing import Any, BinaryIO, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchloom.errors import InputError
from benchloom.harness.file_kinds import seen

Container = Literal["zip", "pickle", "tar", "torchscript"]

_MAGIC_PICKLE = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)  # what a stream of pickles begins with
_TAR_MEMBERS = frozenset({"sys_info", "pickle", "tensors", "storages"})
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


def container_of(path: str) -> Container:
    """Return how the file at ``path`` was written. Raises InputError if torch wrote it in none of the known ways."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(len(_MAGIC_PICKLE))
        if head.startswith(b"PK\x03\x04"):
            return _kind_of_zip(path)
        if head == _MAGIC_PICKLE:
            return "pickle"
        if _is_torch_tar(path):
            return "tar"
    except (OSError, RuntimeError, tarfile.TarError, EOFError, ValueError) as error:
        raise not_of_torch(path, str(error).partition("\n")[0]) from error
    raise not_of_torch(path)


def _kind_of_zip(path: str) -> Container:
    # torch's own reader, so that what is told apart here is what torch would see.
    names = set(torch._C.PyTorchFileReader(path).get_all_records())  # noqa: SLF001 - torch.load asks the same
    if "constants.pkl" in names:
        return "torchscript"
    if "data.pkl" in names:
        return "zip"
    raise not_of_torch(path, "it has no member data.pkl")


def _is_torch_tar(path: str) -> bool:
    if not tarfile.is_tarfile(path):
        return False
    with tarfile.open(path, "r:") as archive:
        return set(archive.getnames()) >= _TAR_MEMBERS


def not_of_torch(path: str, why: str = "") -> InputError:
    """Return the error for a file that torch did not write, with what it appears to be."""
    return InputError(
        "the file was not written by torch",
        where=path,
        why=[*seen(path), *([why] if why else [])],
        fix="download it again, or state the format that it has",
    )


def state_dict(path: str) -> dict[str, Tensor]:
    """Return the tensors by name that ``torch.save`` wrote to ``path`` in any of its three containers.

    Nothing that the file names is imported or run. Raises InputError if it is of another kind, damaged, or holds something else.
    """
    container = container_of(path)
    if container == "torchscript":
        raise InputError(
            "the file is TorchScript, the facts of the model state a state dict",
            where=path,
            fix="state format 'torchscript'",
        )
    try:
        found = _read_tar(path) if container == "tar" else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that was made to do harm may fail in any way
        reasons = [line.strip() for line in str(error).splitlines() if line.strip()][:4]
        raise InputError(
            "the file cannot be read as a state dict", where=path, why=reasons or [type(error).__name__]
        ) from error
    if not isinstance(found, dict) or not all(isinstance(item, Tensor) for item in found.values()):
        raise InputError(
            "the file holds no state dict",
            where=path,
            why=[f"it holds {_shown(found)}, a state dict has a tensor by each name"],
            fix="save network.state_dict() and nothing else",
        )
    return found


def _shown(found: object) -> str:
    if isinstance(found, dict):
        other = next(name for name, item in found.items() if not isinstance(item, Tensor))
        return f"{type(found[other]).__name__} by the name {other!r}"
    return type(found).__name__


class _Names(pickle.Unpickler):
    """Reads numbers, texts, tuples, lists and tables; of names it knows element types and ordered tables."""

    def __init__(self, stream: Any, tensors: dict[int, Tensor] | None = None) -> None:
        super().__init__(stream, encoding="latin1")
        self._tensors = tensors or {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        kind = name.removesuffix("Storage").removesuffix("Tensor")
        if module in {"torch", "torch.tensor", "torch.storage"} and kind in _DTYPES and kind != name:
            return np.dtype(_DTYPES[kind])
        raise pickle.UnpicklingError(
            f"it names {module}.{name}, which a state dict does not need; nothing of it was run"
        )

    def persistent_load(self, pid: Any) -> Any:
        return self._tensors[int(pid)]


def _read_tar(path: str) -> Any:
    with tarfile.open(path, "r:") as archive:
        system = _Names(_member(archive, "sys_info")).load()
        if not system.get("little_endian", True):
            raise ValueError("it was written on a machine of the other byte order")
        storages = _storages(_member(archive, "storages"), archive.getmember("storages").size)
        tensors = _tensors(_member(archive, "tensors"), storages)
        return _Names(_member(archive, "pickle"), tensors).load()


def _member(archive: tarfile.TarFile, name: str) -> BinaryIO:
    found = archive.extractfile(name)
    if found is None:
        raise ValueError(f"its member {name} is not a file")
    return found  # type: ignore[return-value]


def _storages(stream: BinaryIO, size: int) -> dict[int, NDArray[np.generic]]:
    """Read the buffers by their keys: a pickle of key, device and element type, the number of elements (int64), the elements."""
    found: dict[int, NDArray[np.generic]] = {}
    for _ in range(_count(stream)):
        key, _device, dtype = _Names(stream).load()
        (elements,) = struct.unpack("<q", _exactly(stream, 8))
        if not 0 <= elements * dtype.itemsize <= size:
            raise ValueError(f"a storage of {elements} elements does not fit into the file")
        found[key] = np.frombuffer(bytearray(_exactly(stream, elements * dtype.itemsize)), dtype)
    for target, root, offset, elements in _Names(stream).load():  # storages that are parts of others
        found[target] = found[root][offset : offset + elements]
    return found


def _tensors(stream: BinaryIO, storages: dict[int, NDArray[np.generic]]) -> dict[int, Tensor]:
    """Read the tensors by their keys: a pickle of key, storage and type, then dimensions, sizes, strides and offset."""
    found = {}
    for _ in range(_count(stream)):
        key, storage, _type = _Names(stream).load()
        dimensions, _padding = struct.unpack("<ii", _exactly(stream, 8))
        if not 0 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(f"a tensor has {dimensions} dimensions")
        numbers = struct.unpack(f"<{2 * dimensions + 1}q", _exactly(stream, 8 * (2 * dimensions + 1)))
        sizes, strides, offset = numbers[:dimensions], numbers[dimensions:-1], numbers[-1]
        data = storages[storage]
        last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        is_inside = not all(sizes) or (last < len(data) and math.prod(sizes) <= len(data))
        if min((offset, *sizes, *strides)) < 0 or not is_inside:
            raise ValueError(f"a tensor of {list(sizes)} lies outside its storage")
        found[key] = torch.as_strided(torch.from_numpy(data), sizes, strides, offset).clone()
    return found


def _count(stream: BinaryIO) -> int:
    count = _Names(stream).load()
    if not isinstance(count, int) or not 0 <= count <= _MOST_TENSORS:
        raise ValueError(f"{count!r} is not a number of tensors")
    return count


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("it ends too early")
    return data
