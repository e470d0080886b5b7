"""The index: every component of every repository, found by name or by tags; warm from its persisted form.

The persisted form holds, per entry folder, the stat signature of its metadata files and what was read from them, so a
warm start opens no unchanged file. It is only ever a shortcut: cold and warm answers are equal (tested).
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from benchloom import __version__
from benchloom.base.atomic import write_bytes
from benchloom.base.digest import iter_files, of_bytes, of_files
from benchloom.base.names import did_you_mean
from benchloom.errors import ComponentError, UnknownNameError
from benchloom.index.read import Read, metadata_files, read_entry
from benchloom.index.repositories import Repository
from benchloom.model.component import KINDS, Component
from benchloom.model.finding import Finding
from benchloom.model.query import Query

CACHE_FORMAT = f"benchloom.index/1/{__version__}"
Signature = tuple[tuple[str, int, int, int], ...]


class _Cached(msgspec.Struct):
    signature: Signature
    read: Read


class _Cache(msgspec.Struct):
    format: str
    entries: dict[str, _Cached]


class Index:
    """Components by name and by tags. ``components`` is sorted by kind and alias."""

    def __init__(self, repositories: tuple[Repository, ...], reads: Sequence[Read]) -> None:
        self.repositories = repositories
        self._findings = [finding for read in reads for finding in read.findings]
        self._by_ref: dict[str, Component] = {}
        for component in (read.component for read in reads):
            if component is not None:
                self._add(component)
        self.components = tuple(self._with_family_facts(self._by_ref[ref]) for ref in sorted(self._by_ref))
        self._by_ref = {item.ref: item for item in self.components}
        self._digests: dict[str, str] = {}

    def _add(self, component: Component) -> None:
        rival = self._by_ref.setdefault(component.ref, component)
        if rival is not component:
            self._findings.append(
                Finding(
                    rule="hidden-component",
                    severity="info" if rival.repo != component.repo else "error",
                    subject=component.ref,
                    message=f"hidden by {rival.path} of repository {rival.repo}",
                    file=component.file,
                )
            )

    def _with_family_facts(self, component: Component) -> Component:
        soft = self._by_ref.get(component.family)
        if soft is None or soft is component or component.backend is not None or soft.backend is None:
            return component
        return msgspec.structs.replace(component, backend=soft.backend)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Everything the readers had to say, with repeated uids."""
        owners: dict[str, Component] = {}
        found = list(self._findings)
        for component in self.components:
            rival = owners.setdefault(component.uid, component) if component.uid else component
            if rival is not component:
                message = f"uid {component.uid} is also that of {rival.path}"
                found.append(
                    Finding(
                        rule="duplicate-uid",
                        severity="error",
                        subject=component.ref,
                        message=message,
                        file=component.file,
                        key="uid",
                    )
                )
        return tuple(sorted(found, key=lambda item: (item.file, item.line, item.rule, item.message)))

    def get(self, name: str, kind: str = "") -> Component:
        """Return the component called ``name``: alias, uid, ``kind:alias`` or ``repo:kind:alias``.

        Raises UnknownNameError with the nearest name, or ComponentError where the entry is there but cannot be read.
        """
        found = [item for item in self.components if name in _names_of(item) and (not kind or item.kind == kind)]
        if len({item.ref for item in found}) == 1:
            return found[0]
        if found:
            raise UnknownNameError(
                f"{name!r} is ambiguous", why=[item.ref for item in found], fix=f"write {found[0].ref}"
            )
        broken = [
            item
            for item in self._findings
            if item.severity == "error" and name in {item.subject, item.subject.partition(":")[2]}
        ]
        if broken:
            raise ComponentError(
                f"{broken[0].subject} cannot be read",
                where=f"{broken[0].file}:{broken[0].line}",
                why=[str(i) for i in broken],
            )
        known = [item.ref for item in self.components] if ":" in name else [item.alias for item in self.components]
        raise UnknownNameError(
            f"no component is called {name!r}",
            where=f"repositories {', '.join(item.alias for item in self.repositories)}",
            fix=did_you_mean(name, known) or "see loom find",
        )

    def match(self, query: Query, kinds: Sequence[str] = ()) -> tuple[Component, ...]:
        """Return the components whose tags and variation names hold every word of ``query`` and none it excludes."""
        tags, without = frozenset(query.tags), frozenset(query.without)
        return tuple(
            item
            for item in self.components
            if (not kinds or item.kind in kinds)
            and tags <= item.names
            and without.isdisjoint(item.names)
            and all(_has_variation(item, name) for name in query.variations)
        )

    def folder(self, component: Component) -> Path:
        """Return the component's folder."""
        root = next(item.path for item in self.repositories if item.alias == component.repo)
        return Path(root) / component.path

    def files_digest(self, component: Component) -> str:
        """Return the digest over the files of the component's folder (bytes and names; times do not count)."""
        if component.ref not in self._digests:
            folder = self.folder(component)
            self._digests[component.ref] = of_files(folder, iter_files(folder))
        return self._digests[component.ref]


def load(repositories: Sequence[Repository], cache_folder: Path | None) -> Index:
    """Return the index over ``repositories`` (first wins for equal names), reading only what changed since last time."""
    ordered = tuple(repositories)
    file = _cache_file(ordered, cache_folder)
    old = _read_cache(file)
    new: dict[str, _Cached] = {}
    for repository in ordered:
        root = Path(repository.path)
        for kind, folder in _entries(root):
            signature = _signature(metadata_files(kind, folder))
            known = old.get(str(folder))
            if known is None or known.signature != signature:
                known = _Cached(signature=signature, read=read_entry(kind, folder, root, repository.alias))
            new[str(folder)] = known
    if file is not None and new != old:
        with contextlib.suppress(OSError):
            write_bytes(file, msgspec.msgpack.encode(_Cache(format=CACHE_FORMAT, entries=new)))
    return Index(ordered, [item.read for item in new.values()])


def _names_of(component: Component) -> set[str]:
    names = {component.alias, component.ref, f"{component.repo}:{component.ref}"}
    return names | {component.uid, f"{component.kind}:{component.uid}"} if component.uid else names


def _has_variation(component: Component, name: str) -> bool:
    return name in component.variations or ("." in name and f"{name.partition('.')[0]}.#" in component.variations)


def _entries(root: Path) -> Iterator[tuple[str, Path]]:
    for kind in KINDS:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            names = sorted(
                item.name for item in os.scandir(root / kind) if item.is_dir() and not item.name.startswith(".")
            )
            yield from ((kind, root / kind / name) for name in names)


def _signature(files: Sequence[Path]) -> Signature:
    found = []
    for path in files:
        status = path.stat()
        found.append((path.name, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def _cache_file(repositories: tuple[Repository, ...], folder: Path | None) -> Path | None:
    if folder is None:
        return None
    name = of_bytes("\n".join(f"{item.alias} {item.path}" for item in repositories).encode()).partition(":")[2][:16]
    return folder / f"{name}.msgpack"


def _read_cache(file: Path | None) -> dict[str, _Cached]:
    if file is None:
        return {}
    try:
        cache = msgspec.msgpack.decode(file.read_bytes(), type=_Cache)
    except (OSError, msgspec.MsgspecError):
        return {}
    return cache.entries if cache.format == CACHE_FORMAT else {}
