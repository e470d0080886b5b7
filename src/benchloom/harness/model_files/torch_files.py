"""Distinguish and read the three containers of ``torch.save`` without running code of the file.

* ``zip`` since torch 1.6, and ``pickle`` (one stream of pickles) from 0.1.10 to 1.5: read by ``torch.load`` with its
restricted
  unpickler.
* ``tar`` before 0.1.10, such as torchvision's files of January 2017: torch reads it only without restrictions, so
`torch_tar` reads it instead.

A zip with ``constants.pkl`` is TorchScript, a program, not one of the three.
"""

import re
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from benchloom.base.file_kinds import seen
from benchloom.errors import InputError
from benchloom.harness.model_files import torch_tar
from benchloom.model.trust import PICKLED_MODULE, TORCHSCRIPT

Container = Literal["zip", "pickle", "tar", "torchscript"]

STATE_DICT = "pytorch-state-dict"
_MAGIC_PICKLE = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # start of a stream of pickles: torch's magic number
_WRITERS = {
    "zip": "written by torch.save (a zip archive, as since torch 1.6)",
    "pickle": "written by torch.save (a stream of pickles, as from torch 0.1.10 to 1.5)",
    "tar": "written by torch.save (a tar archive, as before torch 0.1.10)",
    "torchscript": "TorchScript, written by torch.jit.save",
}
_FITTING = {"zip": (STATE_DICT, PICKLED_MODULE), "pickle": (STATE_DICT, PICKLED_MODULE), "tar": (STATE_DICT,)}
_UNKNOWN_NAME = re.compile(r"\bGLOBAL (\S+)")


def refuse_other_container(path: str, stated: str) -> Container:
    """Return the container of the file at ``path``.

    Raises InputError if torch did not write it, or it does not match the format ``stated``.
    """
    container = container_of(path)
    fitting = _FITTING.get(container, (TORCHSCRIPT,))
    if stated not in fitting:
        raise InputError(
            f"the file is {_WRITERS[container]}, the facts of the model state {stated}",
            where=path,
            fix=f"use a file of that format, or state the format of this one: {' or '.join(fitting)}",
        )
    return container


def container_of(path: str) -> Container:
    """Return the container of the file at ``path``. Raises InputError if it is not one of torch's containers."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(len(_MAGIC_PICKLE))
        if head.startswith(b"PK\x03\x04"):
            return _kind_of_zip(path)
        if head == _MAGIC_PICKLE:
            return "pickle"
        if torch_tar.is_torch_tar(path):
            return "tar"
    except (OSError, RuntimeError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise _not_of_torch(path, str(error).partition("\n")[0]) from error
    raise _not_of_torch(path)


def _kind_of_zip(path: str) -> Container:
    # torch's own reader, so that this check and torch.load see the same members.
    names = set(torch._C.PyTorchFileReader(path).get_all_records())  # noqa: SLF001 - torch.load calls the same
    if "constants.pkl" in names:
        return "torchscript"
    if "data.pkl" not in names:
        raise ValueError("it has no member data.pkl")
    with zipfile.ZipFile(path) as archive:
        if sum(item.file_size for item in archive.infolist()) > Path(path).stat().st_size:
            raise ValueError("its members are larger than the file, but torch.save does not compress")
    return "zip"


def _not_of_torch(path: str, why: str = "") -> InputError:
    return InputError(
        "the file was not written by torch",
        where=path,
        why=[*seen(path), *([why] if why else [])],
        fix="download it again, or state its format",
    )


def state_dict(path: str) -> dict[str, Tensor]:
    """Return the tensors by name that ``torch.save`` wrote to ``path`` in any of its three containers.

    Nothing that the file names is imported or run. Raises InputError if it is another type of file, damaged, or
    contains something else.
    """
    container = refuse_other_container(path, STATE_DICT)
    try:
        found = torch_tar.read(path) if container == "tar" else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a malicious file may fail in any way
        raise InputError(
            "the file cannot be read as a state dict",
            where=path,
            why=reasons(error),
            fix="download it again; if it contains a whole network, state its format: pytorch-pickled-module",
        ) from error
    if not isinstance(found, dict) or not all(isinstance(item, Tensor) for item in found.values()):
        raise InputError(
            "the file contains no state dict",
            where=path,
            why=[f"it contains {_shown(found)}, a state dict has only tensors"],
            fix="save only network.state_dict()",
        )
    return found


def reasons(error: Exception) -> Sequence[str]:
    """Return the message of a loader's ``error``, without torch's advice to read the file without restrictions."""
    if found := _UNKNOWN_NAME.search(str(error)):
        return [f"it names {found.group(1)[:100]}, which a state dict does not need; no code was run"]
    lines = [line.strip()[:200] for line in str(error).splitlines() if line.strip()]
    wanted = [line for line in lines if "weights_only" not in line and not line.startswith("Weights only load failed")]
    return wanted[:4] or [type(error).__name__]


def _shown(found: object) -> str:
    if isinstance(found, dict):
        other = next(name for name, item in found.items() if not isinstance(item, Tensor))
        return f"{type(found[other]).__name__} by the name {str(other)[:60]!r}"
    return type(found).__name__
