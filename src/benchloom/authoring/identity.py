"""The identity of a repository for CK and CM: ``.ckr.json``, ``cmr.yaml``, uids of entries, CK's alias tables, and generated packages.

The folders are the registry: everything is derived from them, so a second pass changes nothing. An entry keeps its
uid; one without gets a uid derived from the repository's uid and its own name, the same on every machine.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchloom.authoring.benchmark_entries import KEY as BENCH
from benchloom.authoring.benchmark_entries import benchmark_entries
from benchloom.base import bounded, limits
from benchloom.base.atomic import write_text
from benchloom.base.digest import of_bytes
from benchloom.errors import InputError
from benchloom.index.bases import KEY as BASE
from benchloom.index.bases import BadBaseError, Bases, Layer, Root, inherited
from benchloom.index.read import CM_FILES, metadata_files
from benchloom.index.twins import SOURCE, package_of
from benchloom.model.base import Value
from benchloom.model.component import KINDS

# Uids of the kinds that `ck` 2.6.4 ships, as its files repo/module/.cm/alias-a-<kind> state them. `ruleset` and
# `venv.template` are not among them: their uids are those of this project's own module entries.
KIND_UIDS = {
    "dataset": "8a7141c59cd335f5",
    "module": "032630d041b4fd8a",
    "os": "0440cb72c2bc5cc6",
    "package": "1dc07ee0f4742028",
    "package.template": "b9f44a9ee54ccdb2",
    "platform.init": "38a2f5438d8555b6",
    "program": "b0ac08fe1d3c2615",
    "program.template": "441fa62fbc6fcc48",
    "ruleset": "5b1d0e7c2f4a9836",
    "script": "84e27ad9dd12e734",
    "soft": "5e1100048ab875d7",
    "soft.template": "24e15b92ee542450",
    "venv.template": "995a3abf56504b3a",
    "wfe": "1e4e644996b7f2a0",
}

META = ".cm/meta.json"
Action = Literal["write", "remove", "mend"]
_UID = re.compile(r"[0-9a-f]{16}")


class Drift(Value, frozen=True, kw_only=True):
    """One file that is not as the folders say.

    Attributes:
        file: relative to the repository.
        action: what is done about it; ``mend`` is left to a person.
        reason: what is wrong.
    """

    file: str
    action: Action
    reason: str


@dataclass(frozen=True)
class Change:
    """A drift and the text that fixes it."""

    drift: Drift
    text: str = ""


def changes(root: Path, name: str = "") -> tuple[Change, ...]:
    """Return differences from the state of the folders below ``root``, sorted by file, without writing.

    ``name`` is the alias of a repository that has none yet; its folder's name otherwise. Raises InputError if
    ``.ckr.json`` or ``cmr.yaml`` cannot be read.
    """
    return tuple(sorted(_IdentityComparison(root).result(name or root.name), key=lambda item: item.drift.file))


def apply(root: Path, found: tuple[Change, ...]) -> None:
    """Apply the changes; each file is replaced atomically, those to ``mend`` are left unchanged."""
    for change in found:
        path = root / change.drift.file
        if change.drift.action == "write":
            write_text(path, change.text)
        elif change.drift.action == "remove":
            path.unlink(missing_ok=True)


@dataclass
class _IdentityComparison:
    """Collects the expected files, and compares them with the existing ones."""

    root: Path
    expected: dict[str, str] = field(default_factory=dict)
    found: list[Change] = field(default_factory=list)
    uid: str = ""

    def result(self, name: str) -> list[Change]:
        alias = self.repository(name)
        self.cm_repository(alias)
        self.packages()
        self.benchmarks(alias)
        for kind, kind_uid in self.kinds().items():
            self.expected |= _alias_files(Path(".cm"), kind, kind_uid)
            self.kind(kind, kind_uid)
        self.found += [_difference(self.root, file, text) for file, text in self.expected.items()]
        self.found += [_note(file, "remove", "no entry has this name or uid") for file in self.stale()]
        return [change for change in self.found if change.drift.reason]

    def repository(self, name: str) -> str:
        file = self.root / ".ckr.json"
        old = _table(file) or {}
        alias = str(old.get("data_alias") or old.get("data_uoa") or _cm_identity(self.root).get("alias") or name)
        self.uid = str(old.get("data_uid") or _cm_identity(self.root).get("uid") or uuid.uuid4().hex[:16])
        wanted = {"data_alias": alias, "data_name": alias, "data_uoa": alias, "dict": {}, **old, "data_uid": self.uid}
        if wanted != old:
            self.expected[".ckr.json"] = _json(wanted)
        return alias

    def cm_repository(self, alias: str) -> None:
        old = _cm_identity(self.root)
        wanted = {"alias": alias, "uid": self.uid, "git": True}
        if old.get("prefix"):
            self.found.append(
                _note("cmr.yaml", "mend", f"its CM entries are in the folder {old['prefix']}, these do not")
            )
        elif any(old.get(key) != value for key, value in wanted.items()):
            extra = {key: value for key, value in old.items() if key not in wanted}
            self.expected["cmr.yaml"] = f'alias: {json.dumps(alias)}\nuid: "{self.uid}"\ngit: true\n{_yaml(extra)}'

    def packages(self) -> None:
        """Expect the package of each soft entry that states one."""
        for folder, main in _entries(self.root, "soft"):
            if text := package_of(folder.name, _read_tolerantly(main)):
                self.expected[f"package/{folder.name}/{META}"] = text
        self.not_generated("package")

    def benchmarks(self, alias: str) -> None:
        """Expect the entries by which CK's pages run each program that asks for them."""
        root = Root(alias, str(self.root))
        bases = Bases([root])
        for folder, main in _entries(self.root, "program"):
            own = Layer(root, "program", main.relative_to(self.root).as_posix(), _read_tolerantly(main))
            if BENCH not in own.table:
                continue
            try:
                program, _ = inherited(own, bases.of(own))
                made = benchmark_entries(folder.name, program, own.table[BASE].rpartition(":")[2])
            except (BadBaseError, LookupError, TypeError, AttributeError):
                reason = f"{BENCH} needs a program that inherits modes, scenarios and a command; see program.template:loadgen"
                self.found.append(_note(own.file, "mend", reason))
                continue
            self.expected |= {f"program/{name}/{META}": text for name, text in made.items()}
        self.not_generated("program")

    def not_generated(self, kind: str) -> None:
        """Note the entries of ``kind`` that were generated from something that no longer asks for them."""
        for folder, main in _entries(self.root, kind):
            file = f"{kind}/{folder.name}/{META}"
            if file not in self.expected and (source := _read_tolerantly(main).get(SOURCE)):
                self.found.append(
                    _note(file, "mend", f"it was generated from {source}, which no longer states it: remove it")
                )

    def entries(self, kind: str) -> Iterator[tuple[Path, Path]]:
        """Yield folder and main metadata file of every existing or generated entry of a kind, sorted by name."""
        found = dict(_entries(self.root, kind))
        for file in self.expected:
            if file.startswith(f"{kind}/") and file.endswith(f"/{META}"):
                main = self.root / file
                found.setdefault(main.parents[1], main)
        yield from sorted(found.items())

    def kinds(self) -> dict[str, str]:
        """Uid by kind, for every kind folder that contains an entry."""
        tables = {path.name.removeprefix("alias-a-") for path in self.root.glob(".cm/alias-a-*")}
        modules = {path.name for path, _ in self.entries("module")}
        known = sorted({*KINDS, *KIND_UIDS, *tables, *modules})
        return {kind: uid for kind in known if any(self.entries(kind)) and (uid := self.kind_uid(kind))}

    def kind_uid(self, kind: str) -> str:
        if kind in KIND_UIDS:
            return KIND_UIDS[kind]
        own = self.root / "module" / kind
        return self.entry_uid(own, "module") if metadata_files("module", own) else _alias(self.root / ".cm", kind)

    def kind(self, kind: str, kind_uid: str) -> None:
        owners: dict[str, str] = {}
        for folder, main in self.entries(kind):
            alias = folder.name
            uid = self.entry_uid(folder, kind, frozenset(owners))
            file = f"{kind}/{alias}/{main.relative_to(folder).as_posix()}"
            if not uid:
                fix = self.minted(kind, alias, frozenset(owners))
                self.found.append(_note(file, "mend", f'its uid is not 16 hexadecimal digits in quotes: try "{fix}"'))
            elif uid in owners:
                self.found.append(_note(file, "mend", f"its uid {uid} is also that of {owners[uid]}"))
            else:
                owners[uid] = alias
                self.expected |= _alias_files(Path(kind, ".cm"), alias, uid)
                if main.name not in CM_FILES or main.parent != folder:
                    self.entry_files(kind, kind_uid, alias, uid)

    def entry_uid(self, folder: Path, kind: str, taken: frozenset[str] = frozenset()) -> str:
        """Return the uid an entry has, else the one it will get, or '' if it must be written by hand."""
        main = next(iter(metadata_files(kind, folder)), folder / META)
        if main.name in CM_FILES and main.parent == folder:
            return _checked(_read_tolerantly(main).get("uid"))
        info = _read_tolerantly(folder / ".cm" / "info.json")
        known = _checked(info.get("backup_data_uid")) or _checked(_read_tolerantly(main).get("uid"))
        return known or _alias(folder.parent / ".cm", folder.name) or self.minted(kind, folder.name, taken)

    def minted(self, kind: str, alias: str, taken: frozenset[str]) -> str:
        if kind == "module" and alias in KIND_UIDS:
            return KIND_UIDS[alias]
        names = (f"{self.uid}:{kind}:{alias}:{number}" for number in range(len(taken) + 1))
        uids = (of_bytes(name.encode()).partition(":")[2][:16] for name in names)
        return next(uid for uid in uids if uid not in taken)

    def entry_files(self, kind: str, kind_uid: str, alias: str, uid: str) -> None:
        place = f"{kind}/{alias}/.cm"
        info, desc = self.root / place / "info.json", self.root / place / "desc.json"
        try:
            old = _table(info) or {}
        except InputError as error:
            self.found.append(_note(f"{place}/info.json", "mend", error.what))
        else:
            base = {"backup_module_uid": kind_uid, "backup_module_uoa": kind, "data_name": alias}
            wanted = {**base, **old, "backup_data_uid": uid}
            if wanted != old:
                self.expected[f"{place}/info.json"] = _json(wanted)
        if not desc.is_file():
            self.expected[f"{place}/desc.json"] = "{}\n"

    def stale(self) -> Iterator[str]:
        unclear = {change.drift.file.split("/")[1] for change in self.found if "/" in change.drift.file}
        for path in (*self.root.glob(".cm/alias-*"), *self.root.glob("*/.cm/alias-*")):
            name = path.relative_to(self.root).as_posix()
            is_unclear = path.name.removeprefix("alias-a-") in unclear or _text(path).strip() in unclear
            if name not in self.expected and not is_unclear and self.is_ours(path):
                yield name

    def is_ours(self, path: Path) -> bool:
        """Whether an alias file belongs to a kind that this module manages; others are left to CK."""
        kind = path.parent.parent.name
        return path.parent.parent == self.root or kind in KIND_UIDS or (self.root / ".cm" / f"alias-a-{kind}").is_file()


def _entries(root: Path, kind: str) -> Iterator[tuple[Path, Path]]:
    """Yield the entry folders of a kind with their main metadata files, in order of names."""
    place = root / kind
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith(".") and (files := metadata_files(kind, folder)):
            yield folder, files[0]


def _alias_files(place: Path, alias: str, uid: str) -> dict[str, str]:
    folder = place.as_posix()
    return {f"{folder}/alias-a-{alias}": f"{uid}\n", f"{folder}/alias-u-{uid}": f"{alias}\n"}


def _alias(folder: Path, alias: str) -> str:
    """Return the uid an alias file gives, or ''."""
    return _checked(_text(folder / f"alias-a-{alias}").strip())


def _checked(value: Any) -> str:
    return value if isinstance(value, str) and _UID.fullmatch(value) else ""


def _difference(root: Path, file: str, text: str) -> Change:
    path = root / file
    if not path.is_file():
        return Change(Drift(file=file, action="write", reason="it is missing"), text)
    if _text(path) != text:
        return Change(Drift(file=file, action="write", reason="its content differs"), text)
    return Change(Drift(file=file, action="write", reason=""))


def _note(file: str, action: Action, reason: str) -> Change:
    return Change(Drift(file=file, action=action, reason=reason))


def _text(path: Path) -> str:
    try:
        return bounded.read_bytes(path, limits.METADATA_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _table(path: Path) -> dict[str, Any] | None:
    """Read a JSON or YAML table; None if there is no file. Raises InputError if it is not a table."""
    if not path.is_file():
        return None
    try:
        text = bounded.read_text(path, limits.METADATA_BYTES)
        found = json.loads(text) if path.suffix == ".json" else _parsed(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read", where=str(path), why=[str(error)], fix="fix it") from error
    if not isinstance(found, dict):
        raise InputError(f"{path.name} is not a table", where=str(path), fix="fix it")
    return found


def _parsed(text: str) -> Any:
    import yaml  # late: most commands read no YAML

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _read_tolerantly(path: Path) -> Mapping[str, Any]:
    try:
        return _table(path) or {}
    except InputError:
        return {}


def _cm_identity(root: Path) -> Mapping[str, Any]:
    return _table(root / "cmr.yaml") or {}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _yaml(value: Mapping[str, Any]) -> str:
    import yaml  # late: most repositories have no further fields

    return yaml.safe_dump(dict(value), sort_keys=True) if value else ""
