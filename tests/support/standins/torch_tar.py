"""Write tensors as ``torch.save`` did before 0.1.10: a tar of four members, from the description of the format.

    sys_info   pickle of a table: protocol version 1000, byte order, sizes of C's types
    pickle     the object, with each tensor as the persistent id str(key)
    tensors    how many; of each: pickle of (key, key of its storage, type), int64 dimensions, int64 sizes, strides, offset
    storages   how many; of each: pickle of (key, place, type), int64 elements, the elements; then which are parts of others

Keys are addresses in memory, of 64 bits. torch reads its own format back (with ``weights_only=False``), which a test uses.
"""

import io
import pickle
import struct
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

FIRST_KEY = 94_274_561_110_432  # as an address on 64-bit Linux looks


class _Writer(pickle.Pickler):
    def __init__(self, stream: Any, keys: Mapping[int, int]) -> None:
        super().__init__(stream, protocol=2)
        self._keys = keys

    def persistent_id(self, obj: Any) -> str | None:
        return str(self._keys[id(obj)]) if isinstance(obj, torch.Tensor) else None


def save_tar(state: Mapping[str, torch.Tensor], file: Path) -> None:
    """Write ``state`` (an ordered table of contiguous tensors, each with a storage of its own) to ``file``."""
    keys = {id(item): FIRST_KEY + 96 * place for place, item in enumerate(state.values())}
    roots = {id(item): key + 48 for item, key in zip(state.values(), keys.values(), strict=True)}

    def sys_info(stream: Any) -> None:
        sizes = {"short": 2, "int": 4, "long": 8}
        pickle.dump({"protocol_version": 1000, "little_endian": True, "type_sizes": sizes}, stream, protocol=2)

    def objects(stream: Any) -> None:
        _Writer(stream, keys).dump(state)

    def tensors(stream: Any) -> None:
        pickle.dump(len(state), stream, protocol=2)
        for item in state.values():
            pickle.dump((keys[id(item)], roots[id(item)], _type(item, "Tensor")), stream, protocol=2)
            numbers = (*item.shape, *item.stride(), 0)
            stream.write(struct.pack(f"<q{len(numbers)}q", item.dim(), *numbers))

    def storages(stream: Any) -> None:
        pickle.dump(len(state), stream, protocol=2)
        for item in state.values():
            pickle.dump((roots[id(item)], "cpu", _type(item, "Storage")), stream, protocol=2)
            stream.write(struct.pack("<q", item.numel()))
            stream.write(item.numpy().tobytes())
        pickle.dump([], stream, protocol=2)

    members: dict[str, Callable[[Any], None]] = {
        "sys_info": sys_info,
        "pickle": objects,
        "tensors": tensors,
        "storages": storages,
    }
    with tarfile.open(file, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, write in members.items():
            content = io.BytesIO()
            write(content)
            info = tarfile.TarInfo(name)
            info.size = content.tell()
            content.seek(0)
            archive.addfile(info, content)


def _type(tensor: torch.Tensor, suffix: str) -> Any:
    """Return torch's class for storages or tensors of this type, which pickles as ``torch.FloatStorage``."""
    kind = {torch.float32: "Float", torch.int64: "Long", torch.float64: "Double", torch.uint8: "Byte"}[tensor.dtype]
    return getattr(torch, f"{kind}{suffix}")
