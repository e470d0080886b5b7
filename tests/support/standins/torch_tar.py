"""Write tensors as ``torch.save`` did before 0.1.10: a tar of four members, from the description of the format.

    sys_info   pickle of a table: protocol version 1000, byte order, sizes of C's types
    pickle     the object, with each tensor as the persistent id str(key)
    tensors    how many; of each: pickle of (key, key of its storage, type), int64 dimensions, int64 sizes, strides, offset
    storages   how many; of each: pickle of (key, place, type), int64 elements, the elements; then which are parts of others

Keys are addresses in memory, of 64 bits. torch reads its own format back (with ``weights_only=False``), which a test uses.
Networks of that day handed out their parameters either as tensors or as they are (torch still knows both): ``as_parameters``.
"""

import copyreg
import io
import pickle
import struct
import tarfile
from collections import OrderedDict
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
        key = self._keys.get(id(obj))
        return None if key is None else str(key)


class _Parameter:
    """A parameter that pickles as those of torch 0.1 did: class, then tensor, creator, hooks, requires_grad, volatile."""

    __class__ = torch.nn.Parameter  # type: ignore[assignment]

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return copyreg.__newobj__, (torch.nn.Parameter,), (self.tensor, None, OrderedDict(), True, False)  # type: ignore[attr-defined]


def save_tar(state: Mapping[str, torch.Tensor], file: Path, *, as_parameters: bool = False) -> None:
    """Write ``state`` (an ordered table of contiguous tensors, each with a storage of its own) to ``file``."""
    written = OrderedDict(
        (name, item if not as_parameters or "running" in name else _Parameter(item)) for name, item in state.items()
    )
    keys = {id(item): FIRST_KEY + 96 * place for place, item in enumerate(state.values())}
    roots = {id(item): key + 48 for item, key in zip(state.values(), keys.values(), strict=True)}

    def sys_info(stream: Any) -> None:
        sizes = {"short": 2, "int": 4, "long": 8}
        pickle.dump({"protocol_version": 1000, "little_endian": True, "type_sizes": sizes}, stream, protocol=2)

    def objects(stream: Any) -> None:
        _Writer(stream, keys).dump(written)

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
