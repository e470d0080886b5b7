"""Inheritance of metadata through ``_base_entry``, merged as `ck` 2.6.4 does it.

The key names another entry by alias or uid, as ``kind:name`` or, for one of the same kind, ``name``; a repository
before the kind is ignored, as in the kernel. The base may have a base itself. Tables are merged key by key, everything
else is replaced, lists included; only metadata is inherited, not files. A base is looked up in the repository of the
entry that names it, then in the others by precedence. Facts: `ck` 2.6.4, kernel.py, process_meta_for_inheritance, load,
merge_dicts, find_path_to_entry.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.digest import of_bytes
from benchloom.base.signatures import Signature, signature_of
from benchloom.index.files import UnreadableFileError, read_file
from benchloom.model.base import to_json
from benchloom.model.component import Base

KEY = "_base_entry"
CK_FILES = (".cm/meta.json", ".cm/data.json")
# `ck` counts the bases of an entry and refuses the 11th.
MOST_BASES = 11
_UID = re.compile(r"[0-9a-f]{16}")


class Root(msgspec.Struct, frozen=True):
    """A repository that is searched for bases: its alias and its folder."""

    alias: str
    path: str


class Layer(msgspec.Struct, frozen=True, dict=True):
    """The metadata of one entry without its bases; ``file`` is relative to the folder of ``root``."""

    root: Root
    kind: str
    file: str
    table: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """The file itself."""
        return Path(self.root.path) / self.file

    @cached_property
    def own(self) -> dict[str, Any]:
        """The table without the key ``_base_entry``."""
        # For entries with a base, the kernel also drops the commented-out form of the key.
        dropped = {KEY, f"{KEY}#"} if self.table.get(KEY, "").strip() else set()
        return {key: value for key, value in self.table.items() if key not in dropped}

    @cached_property
    def digest(self) -> str:
        """The digest of the metadata that others inherit."""
        return of_bytes(to_json(self.own))


class BadBaseError(Exception):
    """Why the ``_base_entry`` of ``layer`` cannot be followed."""

    def __init__(self, what: str, layer: Layer) -> None:
        super().__init__(what)
        self.layer = layer


class Bases:
    """Finds the bases of entries in ``roots``, in order of precedence; each file is read once.

    ``looked_at`` holds the status of every file that was opened or looked up (None: absent) since it was last cleared,
    so that a cache can tell whether it is out of date.
    """

    def __init__(self, roots: Sequence[Root]) -> None:
        self._roots = tuple(roots)
        self._read: dict[Path, Layer] = {}
        self.looked_at: dict[str, Signature | None] = {}

    def of(self, own: Layer) -> list[Layer]:
        """Return the bases of an entry, the nearest first. Raises BadBaseError for one that cannot be followed."""
        found: list[Layer] = []
        layer = own
        while named := self._named(layer):
            if len(found) == MOST_BASES:
                raise BadBaseError(f"the chain of bases is longer than {MOST_BASES}", layer)
            following = self._layer(*named, layer)
            if any(following.path == item.path for item in (own, *found)):
                raise BadBaseError(f"the base {named[0]}:{named[1]} inherits from itself", layer)
            found.append(following)
            layer = following
        return found

    def _named(self, layer: Layer) -> tuple[str, str] | None:
        value = layer.table.get(KEY, "")
        if not isinstance(value, str):
            raise BadBaseError("the base must be a string: kind:alias", layer)
        *before, name = (word.strip() for word in value.strip().split(":"))
        kind = before[-1] if before else layer.kind
        if name and not (_is_plain(kind) and _is_plain(name)):
            raise BadBaseError(f"{value!r} does not name an entry: kind:alias", layer)
        return (kind, name) if name else None

    def _layer(self, kind: str, name: str, layer: Layer) -> Layer:
        roots = (layer.root, *(item for item in self._roots if item != layer.root))
        found = next((place for root in roots if (place := self._file(root, kind, name))), None)
        if found is None:
            raise BadBaseError(f"there is no entry {kind}:{name} to inherit from", layer)
        root, kind, file = found
        path = Path(root.path) / file
        if path in self._read:
            return self._read[path]
        try:
            table = read_file(path)
        except UnreadableFileError as error:
            raise BadBaseError(f"the base {kind}:{name} cannot be read: {file}: {error}", layer) from error
        if not isinstance(table, dict):
            raise BadBaseError(f"the base {kind}:{name} is not a table", layer)
        return self._read.setdefault(path, Layer(root, kind, file, table))

    def _file(self, root: Root, kind: str, name: str) -> tuple[Root, str, str] | None:
        """Return root, kind by alias and metadata file of an entry; None if ``root`` does not have it."""
        kind = self._alias(root, "", kind) or kind
        name = self._alias(root, f"{kind}/", name) or name
        files = (f"{kind}/{name}/{file}" for file in CK_FILES)
        file = next((item for item in files if self._is_file(f"{root.path}/{item}")), "")
        return (root, kind, file) if file else None

    def _alias(self, root: Root, folder: str, uid: str) -> str:
        """Return the alias that CK's table in ``folder`` gives for a uid, '' if there is none."""
        file = f"{root.path}/{folder}.cm/alias-u-{uid}"
        if not (_UID.fullmatch(uid) and self._is_file(file)):
            return ""
        try:
            lines = bounded.read_text(Path(file), limits.METADATA_BYTES).split()
        except (OSError, ValueError):
            return ""
        return lines[0] if lines and _is_plain(lines[0]) else ""

    def _is_file(self, file: str) -> bool:
        self.looked_at[file] = status = status_of(file)
        return status is not None


def status_of(file: str) -> Signature | None:
    """Return the signature of a regular file; None if there is no such file."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    is_regular = stat.S_ISREG(found.st_mode)
    return signature_of(found) if is_regular else None


def inherited(own: Layer, bases: Sequence[Layer]) -> tuple[dict[str, Any], tuple[Base, ...]]:
    """Return the metadata of ``own`` over those of its ``bases``, and what each base brings in."""
    table = own.own
    described: list[Base] = []
    for layer in bases:
        described.append(
            Base(
                repo="" if layer.root == own.root else layer.root.alias,
                file=layer.file,
                digest=layer.digest,
                keys=tuple(_added(layer.own, table)),
            )
        )
        table = merged(layer.own, table)
    return table, tuple(described)


def merged(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``table`` over ``base``: if both have a table these are merged, any other value replaces the one of ``base``."""
    found = dict(base)
    for key, value in table.items():
        known = found.get(key)
        found[key] = merged(known, value) if isinstance(value, dict) and isinstance(known, dict) else value
    return found


def _added(base: Mapping[str, Any], table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of ``base`` that ``table`` lacks; for a table that it has in part, the missing keys of that."""
    for key, value in base.items():
        if key not in table:
            yield f"{prefix}{key}"
        elif isinstance(value, dict) and isinstance(table[key], dict):
            yield from _added(value, table[key], f"{prefix}{key}.")


def _is_plain(name: str) -> bool:
    """Tell whether a name is a single folder name that cannot lead outside its parent."""
    return bool(name) and name not in {".", ".."} and not {"/", "\\", "\0"} & set(name)
