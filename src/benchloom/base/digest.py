"""Digests of bytes, files and folders, always written as ``algorithm:hexdigest``."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

CHUNK = 1 << 20
_LEFT_OUT = frozenset(["__pycache__", ".git"])


def is_left_out(folder: str) -> bool:
    """Tell whether a folder of this name does not belong to a component: caches, version control, where ck runs a program."""
    return folder in _LEFT_OUT or folder.startswith("tmp")


ALGORITHMS = ("sha256", "sha384", "sha512", "md5")


def new_hash(algorithm: str) -> "_Hash":
    """Return an empty hash object; md5 is used only to compare with a published digest."""
    return hashlib.new(algorithm, usedforsecurity=False)


def of_bytes(data: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of ``data``."""
    state = new_hash(algorithm)
    state.update(data)
    return f"{algorithm}:{state.hexdigest()}"


def of_file(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file's bytes, read in chunks."""
    state = new_hash(algorithm)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            state.update(chunk)
    return f"{algorithm}:{state.hexdigest()}"


def of_files(root: Path, files: Iterable[Path]) -> str:
    """Return one digest over the relative names and bytes of ``files``, whatever their order.

    The executable bit counts, since it changes what a script does; times and owners do not.
    """
    state = new_hash("sha256")
    for path in sorted(files, key=lambda item: item.relative_to(root).as_posix()):
        name = path.relative_to(root).as_posix()
        mode = "x" if path.stat().st_mode & 0o100 else "-"
        state.update(f"{name}\0{mode}\0{of_file(path)}\n".encode())
    return f"sha256:{state.hexdigest()}"


def iter_files(root: Path) -> Iterator[Path]:
    """Yield the regular files below ``root`` in a fixed order, leaving out caches and version control."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_left_out(name))
        yield from (path for path in map(Path(folder).joinpath, sorted(names)) if path.is_file())
