"""The index: every component of every repository, found by name or by tags, with a persistent cache.

The cache holds, per entry folder, the stat signature of its metadata files and their parsed content, so a warm start
opens no unchanged file. Results with and without it are equal (tested).
"""

import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from benchloom import __version__
from benchloom.base.atomic import write_bytes
from benchloom.base.digest import of_bytes, of_file
from benchloom.base.names import did_you_mean, is_unicode
from benchloom.base.signatures import SETTLING_NS, Signature, signature_of
from benchloom.errors import ComponentError, UnknownNameError
from benchloom.index.bases import Bases, Root, status_of
from benchloom.index.digests import FolderDigests
from benchloom.index.read import EntryReading, metadata_status, read_entry
from benchloom.index.repositories import Repository
from benchloom.model.base import to_json
from benchloom.model.component import KINDS, Component, Input
from benchloom.model.facts import Dataset
from benchloom.model.finding import Finding
from benchloom.model.query import Query
from benchloom.model.variation import find_variation, profile_of

Signatures = tuple[tuple[str, Signature], ...]


class _Cached(msgspec.Struct):
    signatures: Signatures
    read: EntryReading


class _Cache(msgspec.Struct):
    format: str
    entries: dict[str, _Cached]


class Index:
    """Components by name and by tags. ``components`` is sorted by kind and alias."""

    def __init__(
        self, repositories: tuple[Repository, ...], reads: Sequence[EntryReading], digests: FolderDigests | None = None
    ) -> None:
        self.repositories = repositories
        self._findings = [finding for read in reads for finding in read.findings]
        self._by_ref: dict[str, Component] = {}
        for read in reads:
            if read.component is not None:
                self._add(read.component)
        families = _Families(self._by_ref.values())
        self.components = tuple(families.with_facts(self._by_ref[ref]) for ref in sorted(self._by_ref))
        self._tagged: dict[frozenset[str], list[Component]] = {}
        self.components = tuple(self._with_choices(item) for item in self.components)
        self._tagged.clear()  # they had no choices yet
        self._by_ref = {item.ref: item for item in self.components}
        self._folder_digests = digests or FolderDigests(None)
        self._digests: dict[str, str] = {}

    def _add(self, component: Component) -> None:
        rival = self._by_ref.setdefault(component.ref, component)
        if rival is not component and rival.repo != component.repo and not component.is_qualified:
            self._add(_qualified(component))
        elif rival is not component:
            self._findings.append(
                Finding(
                    rule="hidden-component",
                    severity="error",
                    subject=component.ref,
                    message=f"hidden by {rival.path} of the same repository",
                    file=component.file,
                )
            )

    def _with_choices(self, component: Component) -> Component:
        """Set the choices and the default of each input that selects the component of a role."""
        program = component.program
        if program is None or not any(item.selects for item in program.inputs):
            return component
        inputs = tuple(self._with_choices_of(component, item) if item.selects else item for item in program.inputs)
        return msgspec.structs.replace(component, program=msgspec.structs.replace(program, inputs=inputs))

    def _with_choices_of(self, component: Component, declared: Input) -> Input:
        found = self.selectable(component, declared.selects)
        default = [
            name for name, item in found.items() if _default_tags(component, declared.selects) & set(item.default_for)
        ]
        return msgspec.structs.replace(declared, choices=tuple(found), default=next(iter(default), ""))

    def selectable(self, component: Component, role: str) -> dict[str, Component]:
        """Return the components that can fill ``role`` of ``component``, by the name that selects them: the alias, or the qualified name."""
        tags = frozenset(tag for need in component.requires if need.role == role for tag in need.query.tags)
        if tags not in self._tagged:  # all programs of a task make the same query each time an index is loaded
            self._tagged[tags] = [item for item in self.components if tags and tags.issubset(item.tags)]
        found = (item for item in self._tagged[tags] if item.kind != component.kind)
        return {item.ref if item.is_qualified else item.alias: item for item in found}

    @cached_property
    def built_in(self) -> str:
        """The alias of the built-in repository; '' if it is not in the index."""
        return next((item.alias for item in self.repositories if item.built_in), "")

    @cached_property
    def trusted(self) -> frozenset[str]:
        """Aliases of the repositories that may have commands of their own run while something is planned."""
        return frozenset(item.alias for item in self.repositories if item.trusted or item.built_in)

    @cached_property
    def precedence(self) -> dict[str, tuple[int, int]]:
        """The sort key of repositories, by alias: smaller comes first."""
        unlisted = {item.repo: (0, len(self.repositories)) for item in self.components}
        return unlisted | {item.alias: (-item.priority, place) for place, item in enumerate(self.repositories)}

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of the readers, and duplicate uids."""
        owners: dict[str, Component] = {}
        found = list(dict.fromkeys(self._findings))  # a problem in a base is found for each entry that inherits from it
        for component in self.components:
            rival = owners.setdefault(f"{component.repo}:{component.uid}", component) if component.uid else component
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

        If several repositories have one of that name, the first of them wins. Raises UnknownNameError with the nearest
        name, or ComponentError if the entry is there but cannot be read.
        """
        found = [
            item
            for item in self.components
            if name.endswith((item.alias, item.uid or item.alias))  # the same for each of its names
            and name in _names_of(item)
            and (not kind or item.kind == kind)
        ]
        found = _of_first_repository(found, self.precedence)
        if len(found) == 1:
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

    @cached_property
    def _owners(self) -> dict[str, set[int]]:
        """Positions in ``components`` by tag and variation name."""
        owners: dict[str, set[int]] = {}
        for position, component in enumerate(self.components):
            for name in (*component.tags, *component.variations):
                owners.setdefault(name, set()).add(position)
        return owners

    @cached_property
    def _givers(self) -> dict[str, set[int]]:
        """Positions in ``components`` by tag that a variation adds."""
        givers: dict[str, set[int]] = {}
        for position, component in enumerate(self.components):
            for variation in component.variations.values():
                for tag in variation.tags:
                    givers.setdefault(tag, set()).add(position)
        return givers

    def match(self, query: Query, kinds: Sequence[str] = ()) -> tuple[Component, ...]:
        """Return the components whose tags and variation names include every word of ``query`` and none that it excludes."""
        found = set(range(len(self.components)))
        for tag in query.tags:
            found &= self._owners.get(tag, set()) | self._givers.get(tag, set())
        for tag in query.without:
            found -= self._owners.get(tag, set())
        return tuple(
            item
            for item in (self.components[position] for position in sorted(found))
            if (not kinds or item.kind in kinds)
            and all(find_variation(item, name) is not None for name in query.variations)
        )

    def folder(self, component: Component) -> Path:
        """Return the component's folder."""
        root = next(item.path for item in self.repositories if item.alias == component.repo)
        return Path(root) / component.path

    def files_digest(self, component: Component) -> str:
        """Return the digest over the files of the component's folder (bytes and names; times do not count) and over its bases."""
        if component.ref not in self._digests:
            own = self._folder_digests.of(self.folder(component))
            parts = (own, *(base.digest for base in component.bases))
            self._digests[component.ref] = of_bytes("\n".join(parts).encode()) if component.bases else own
        return self._digests[component.ref]

    def content_digest(self, component: Component, variations: Sequence[str]) -> str:
        """Return the digest of the content that a component with these variations contributes to others.

        For a profile that is the profile, for a ruleset the ruleset, for a data set in the component's folder its
        facts, images and labels: a change of summary or licence does not rebuild anything. For others it is the digest
        of their files.
        """
        is_made = bool(component.fetch or component.install or component.versions)
        if component.profile is not None and not is_made:
            return of_bytes(to_json(profile_of(component, variations)))
        is_made = is_made or bool(component.variations)
        if component.ruleset is not None and not is_made:
            return of_bytes(to_json(component.ruleset))
        if component.dataset is not None and component.kind == "dataset" and not is_made:
            return self._data_digest(component, component.dataset)
        return self.files_digest(component)

    def _data_digest(self, component: Component, dataset: Dataset) -> str:
        images, labels = (self.folder(component) / name for name in (dataset.images, dataset.labels))
        if (
            images.resolve() == self.folder(component).resolve()
            or not os.path.isdir(images)
            or not os.path.isfile(labels)
        ):
            return self.files_digest(component)
        parts = (of_bytes(to_json(dataset)), self._folder_digests.of(images), of_file(labels))
        return of_bytes("\n".join(parts).encode())

    def remember(self) -> None:
        """Cache the digests of folders for the next process."""
        self._folder_digests.save()


def load(repositories: Sequence[Repository], cache_folder: Path | None, others: Sequence[Repository] = ()) -> Index:
    """Return the index over ``repositories`` (first wins for equal names), reading only what changed since the last time.

    Entries may also inherit from ``others``.
    """
    ordered = tuple(repositories)
    file = _cache_file((*ordered, *others), cache_folder, len(ordered))
    settled = time.time_ns() - SETTLING_NS
    old = _read_cache(file)
    new: dict[str, _Cached] = {}
    reads: list[EntryReading] = []
    is_changed = False
    roots = tuple(Root(item.alias, item.path) for item in (*ordered, *others))
    outside, finder = _Statuses(), Bases(roots)
    for root, repository in zip(roots, ordered, strict=False):
        folders, strange = _entries(repository.path)
        reads.append(EntryReading(component=None, findings=strange))
        for kind, folder in folders:
            signatures = _signatures(kind, folder)
            known = old.get(folder)
            if known is None or known.signatures != signatures or not outside.are_as(known.read.looked_at):
                is_changed = True
                known = _Cached(signatures=signatures, read=read_entry(kind, Path(folder), root, finder))
            reads.append(known.read)
            seen = [*(item for _, item in signatures), *filter(None, known.read.looked_at.values())]
            if all(max(signature[:2]) < settled for signature in seen):
                new[folder] = known
    if file is not None and (is_changed or new.keys() != old.keys()):
        with contextlib.suppress(OSError):
            write_bytes(file, msgspec.msgpack.encode(_Cache(format=_cache_format(), entries=new)))
    digests = FolderDigests(file.with_suffix(".digests") if file else None)
    return Index(ordered, reads, digests)


class _Statuses:
    """Stat results of files, each read once: many entries have the same base."""

    def __init__(self) -> None:
        self._known: dict[str, Signature | None] = {}

    def are_as(self, files: Mapping[str, Signature | None]) -> bool:
        """Tell whether all ``files`` are unchanged."""
        return all(self._of(file) == status for file, status in files.items())

    def _of(self, file: str) -> Signature | None:
        if file not in self._known:
            self._known[file] = status_of(file)
        return self._known[file]


def refuse_unknown_tags(query: Query, components: Iterable[Component], where: str) -> None:
    """Raise UnknownNameError for a plain tag that no component has at all."""
    pool = tuple(components)
    for tag in query.tags:
        if not any(tag in item.tags or tag in item.variations or tag in item.names for item in pool):
            known = {name for component in pool for name in component.names}
            raise UnknownNameError(
                f"no component has the tag {tag!r}", where=where, fix=did_you_mean(tag, known) or "see loom find"
            )


class _Families:
    """The soft components that packages register: of their own repository, else of the first that has one."""

    def __init__(self, components: Iterable[Component]) -> None:
        self._softs: dict[str, list[Component]] = {}
        for item in components:
            for name in filter(None, (item.alias, item.uid) if item.kind == "soft" else ()):
                self._softs.setdefault(name, []).append(item)

    def with_facts(self, component: Component) -> Component:
        """Name the family by alias if the file gives a uid, and add facts that only its soft component states."""
        if component.kind != "package":
            return component
        found = self._softs.get(component.family.partition(":")[2], [])
        soft = next((item for item in found if item.repo == component.repo), found[0] if found else None)
        if soft is None:
            return component
        return msgspec.structs.replace(component, family=soft.ref, backend=component.backend or soft.backend)


def _default_tags(component: Component, role: str) -> set[str]:
    return {",".join(need.query.tags) for need in component.requires if need.role == role}


def _qualified(component: Component) -> Component:
    """Return ``component`` under its qualified name, which may also be its family."""
    whole = msgspec.structs.replace(component, is_qualified=True)
    return msgspec.structs.replace(whole, family=whole.ref if component.family == component.ref else component.family)


def _of_first_repository(found: Sequence[Component], precedence: Mapping[str, tuple[int, int]]) -> list[Component]:
    """Return those of ``found`` that are in the first of their repositories."""
    first = min((precedence[item.repo] for item in found), default=None)
    return [item for item in found if precedence[item.repo] == first]


def _names_of(component: Component) -> set[str]:
    names = {component.alias, component.ref, f"{component.repo}:{component.ref}"}
    return names | {component.uid, f"{component.kind}:{component.uid}"} if component.uid else names


def _entries(root: str) -> tuple[list[tuple[str, str]], tuple[Finding, ...]]:
    """Return kind and folder of every entry of a repository, sorted within each kind, and folders that cannot be read."""
    found: list[tuple[str, str]] = []
    strange: list[Finding] = []
    for kind in KINDS:
        place = os.path.join(root, kind, "")
        try:
            with os.scandir(place) as entries:
                items = sorted((item for item in entries if not item.name.startswith(".")), key=lambda item: item.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            strange.append(_strange(kind, kind, f"the folder cannot be read: {error.strerror}"))
            continue
        for item in items:
            if problem := _problem(item):
                shown = os.fsencode(item.name).decode(errors="backslashreplace")
                strange.append(_strange(f"{kind}:{shown}", f"{kind}/{shown}", problem))
            elif item.is_dir():
                found.append((kind, place + item.name))
    return found, tuple(strange)


def _problem(item: "os.DirEntry[str]") -> str:
    """Return why the folder of an entry cannot be read or named; a broken link is ignored."""
    try:
        item.is_dir()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return "" if item.name.isascii() or is_unicode(item.name) else "its name is not UTF-8"


def _strange(subject: str, file: str, message: str) -> Finding:
    return Finding(
        rule="unreadable-folder",
        severity="error",
        subject=subject,
        message=message,
        file=file,
        fix="rename it, or make it readable",
    )


def _signatures(kind: str, folder: str) -> Signatures:
    """Return name and signature of each metadata file."""
    # A list is faster than a generator, and this runs for every entry at every start.
    return tuple([(name, signature_of(status)) for name, status in metadata_status(kind, folder)])


def _cache_file(repositories: tuple[Repository, ...], folder: Path | None, indexed: int) -> Path | None:
    """Return the cache file of an index over the first ``indexed`` of ``repositories``, which may inherit from all of them."""
    if folder is None:
        return None
    lines = [str(indexed), *(f"{item.alias} {item.path}" for item in repositories)]
    name = of_bytes("\n".join(lines).encode()).partition(":")[2][:16]
    return folder / f"{name}.msgpack"


def _cache_format() -> str:
    """Return the cache format: it identifies this version of the engine and of the readers."""
    here = Path(__file__).parent
    sources = sorted([*here.glob("*.py"), *(here.parent / "model").glob("*.py")])
    status = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sources]
    return f"benchloom.index/3/{__version__}/{of_bytes(repr(status).encode())}"


def _read_cache(file: Path | None) -> dict[str, _Cached]:
    if file is None:
        return {}
    try:
        cache = msgspec.msgpack.decode(file.read_bytes(), type=_Cache)
    except (OSError, msgspec.MsgspecError):
        return {}
    return cache.entries if cache.format == _cache_format() else {}
