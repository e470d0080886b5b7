"""Read an entry folder into a Component, tolerantly: errors become findings and never affect another entry."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchloom.base.names import did_you_mean
from benchloom.base.signatures import Signature
from benchloom.errors import LoomError
from benchloom.index.bases import CK_FILES, BadBaseError, Bases, Layer, Root, inherited
from benchloom.index.bases import KEY as BASE_KEY
from benchloom.index.files import UnreadableFileError, read_file
from benchloom.index.foreign import foreign_work
from benchloom.index.keys import Place, keys_of
from benchloom.index.needs import read_requirements, text, whole_of
from benchloom.index.unknown import unknown_keys
from benchloom.model.component import (
    Base,
    Check,
    Command,
    Component,
    Fetch,
    Input,
    Install,
    Program,
    Requirement,
    Variation,
    Version,
)
from benchloom.model.detect import Detect
from benchloom.model.facts import Backend, Dataset, Layout, Model, Profile
from benchloom.model.finding import Finding
from benchloom.model.published import PublishedFile, StandIn
from benchloom.model.ruleset import Ruleset
from benchloom.model.submission_rules import SubmissionRules
from benchloom.model.values import ABOVE_ZERO, number
from benchloom.model.variation import find_variation

CM_FILES = ("_cm.yaml", "_cm.json", "meta.yaml", "meta.json")
CK_INFO = ".cm/info.json"
_UID = re.compile(r"[0-9a-f]{16}")
NEEDS = ("run_deps", "deps", "prehook_deps", "needs")
_MOST_UNKNOWN = 20  # unknown keys of one file that are reported by name


class EntryReading(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one entry folder; ``looked_at`` are the files outside it that affected the outcome, with their stat signatures."""

    component: Component | None
    findings: tuple[Finding, ...]
    looked_at: dict[str, Signature | None] = {}


def metadata_files(kind: str, folder: Path) -> list[Path]:
    """Return the files an entry's component is read from, the main one first; empty if there is none."""
    return [folder / name for name, _ in metadata_status(kind, str(folder))]


def metadata_status(kind: str, folder: str) -> list[tuple[str, os.stat_result]]:
    """Return the metadata files of an entry, by name below ``folder``, with their status."""
    if kind == "script" and (found := _first(folder, CM_FILES)):
        return [found]
    main = _first(folder, CK_FILES)
    info = _first(folder, (CK_INFO,)) if main else None
    return [item for item in (main, info) if item]


def _first(folder: str, names: Sequence[str]) -> tuple[str, os.stat_result] | None:
    for name in names:
        try:
            status = os.stat(f"{folder}/{name}")
        except OSError:  # absent, or in a folder that may not be looked into
            continue
        if stat.S_ISREG(status.st_mode):
            return name, status
    return None


def read_entry(kind: str, folder: Path, root: Root, finder: Bases) -> EntryReading:
    """Read the entry in ``folder`` of the repository ``root``, with its bases from ``finder``.

    Never raises for the content of its files.
    """
    finder.looked_at = {}
    reader = _Reader(kind, folder, root, finder)
    component: Component | None = None
    try:
        component = reader.component()
    except LoomError as error:
        key = error.where.partition(": ")[2]
        reader.note("bad-value", "error", "; ".join([error.what, *error.why]), key=key, fix=error.fix)
    except Exception as error:  # noqa: BLE001 - the content of a file must not affect another entry
        reader.note("bad-value", "error", f"a value has the wrong type: {error}")
    return EntryReading(component=component, findings=tuple(reader.findings), looked_at=reader.finder.looked_at)


class _Reader:
    def __init__(self, kind: str, folder: Path, root: Root, finder: Bases) -> None:
        self.kind, self.folder, self.repo, self.finder = kind, folder, root.alias, finder
        self.root, self.of = Path(root.path), root
        self.path = folder.relative_to(self.root).as_posix()
        files = metadata_files(kind, folder)
        self.main = files[0] if files else None
        self.info = files[1] if len(files) > 1 else None
        self.layers: list[Layer] = []
        self.bases: tuple[Base, ...] = ()
        self.is_ck = self.main is not None and self.main.parent.name == ".cm"
        self.file = self._relative(self.main) if self.main else self.path
        self.ref = f"{kind}:{folder.name}"
        self.findings: list[Finding] = []
        self._unknown_keys = 0

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def note(
        self, rule: str, severity: Any, message: str, *, key: str = "", line: int = 0, fix: str = "", file: str = ""
    ) -> None:
        base = self._base_of(key)
        if key and not line and self.main is not None:
            from benchloom.index.locate import locate  # late: YAML is needed only to say where something is wrong

            line = locate(self.layers[self.bases.index(base)].path if base else self.main, key.split("."))
        self.findings.append(
            Finding(
                rule=rule,
                severity=severity,
                # An error makes this entry unreadable; other findings in a base are reported once, not for all entries that inherit.
                subject=self.ref if base is None or severity == "error" else base.ref,
                message=message,
                file=file or self._file_of(key),
                line=line,
                key=key,
                fix=fix,
            )
        )

    def _base_of(self, key: str) -> Base | None:
        return next((base for base in self.bases if base.holds(key)), None)

    def _file_of(self, key: str) -> str:
        """Return the file that has ``key``, the entry's own or that of a base, as messages name it."""
        base = self._base_of(key)
        return base.shown if base else self.file

    def component(self) -> Component | None:
        if self.main is None:
            self.note("no-metadata", "warning", "the folder has no metadata file")
            return None
        meta = self._load(self.main, "error")
        if meta is None:
            return None
        info = self._load(self.info, "warning") if self.info else {}
        uid = self._uid(meta.get("uid") or (info or {}).get("backup_data_uid") or "")
        if self.is_ck:
            whole = self._inherited(meta)
            if whole is None:
                return None
            meta = whole
        self._check_keys(meta)
        alias = self.folder.name if self.is_ck else text(meta.get("alias")) or self.folder.name
        self.ref = f"{self.kind}:{alias}"
        component = self._build(meta, alias, uid)
        self._check_defaults(component, meta)
        self._note_further()
        return component

    def _inherited(self, meta: dict[str, Any]) -> dict[str, Any] | None:
        """Return the metadata over those of the entry's bases; None, with a finding, if a base cannot be read."""
        own = Layer(self.of, self.kind, self.file, meta)
        try:
            layers = self.finder.of(own)
        except BadBaseError as error:
            from benchloom.index.locate import locate  # late, see ``note``

            layer = error.layer
            file = layer.file if layer.root == self.of else f"{layer.root.alias}:{layer.file}"
            line = locate(layer.path, [BASE_KEY])
            self.note("bad-base", "error", str(error), key=BASE_KEY, line=line, file=file, fix="name an existing entry")
            return None
        whole, self.bases = inherited(own, layers)
        self.layers = layers
        return whole

    def _load(self, path: Path, severity: str) -> dict[str, Any] | None:
        place = self._relative(path)
        try:
            found = read_file(path)
        except UnreadableFileError as error:
            self.note(
                "broken-file",
                severity,
                f"{path.name} cannot be read: {error}",
                key=".".join(error.key) if path == self.main else "",
                line=error.line,
                fix="fix the file",
                file=place,
            )
            return None
        if not isinstance(found, dict):
            self.note("broken-file", severity, f"{path.name} is not a table", line=1, file=place)
            return None
        return found

    def _uid(self, value: Any) -> str:
        if not isinstance(value, str):
            self.note(
                "uid-not-text",
                "warning",
                f"the uid {value} is a number in this file",
                key="uid",
                fix="put it in quotes",
            )
        uid = str(value)
        if uid and not _UID.fullmatch(uid):
            self.note("bad-uid", "warning", f"{uid!r} is not a uid (16 lower-case hexadecimal digits)", key="uid")
        return uid

    def _check_keys(self, meta: Mapping[str, Any]) -> None:
        self._check_table(meta, "entry", "")
        self._check_needs(meta, "")
        for name, item in _tables(meta.get("variations")):
            self._check_table(item, "variation", f"variations.{name}.")
            self._check_needs(item, f"variations.{name}.")
        blocks: tuple[tuple[str, Place], ...] = (("run_cmds", "command"), ("inputs", "input"))
        for block, place in blocks:
            for name, item in _tables(meta.get(block)):
                self._check_table(item, place, f"{block}.{name}.")

    def _check_needs(self, table: Mapping[str, Any], prefix: str) -> None:
        for block in NEEDS:
            for name, dep in _tables(table.get(block)):
                self._check_table(dep, "need", f"{prefix}{block}.{name}.")

    def _check_defaults(self, component: Component, meta: Mapping[str, Any]) -> None:
        if isinstance(meta.get("default_version"), float):
            message = f"the version {component.default_version} is a number in this file, so a trailing zero is lost"
            self.note("version-not-text", "warning", message, key="default_version", fix="put it in quotes")
        for group, name in component.default_variations.items():
            if find_variation(component, name) is None:
                fix = did_you_mean(name, component.variations)
                message = f"there is no variation {name!r}"
                self.note("unknown-variation", "error", message, key=f"default_variations.{group}", fix=fix)

    def _check_table(self, table: Mapping[str, Any], place: Place, prefix: str) -> None:
        known = keys_of(place)
        for name, value in table.items():
            row = known.get(name)
            if row is None:
                if not _is_comment(str(name)):
                    self._note_unknown(f"{prefix}{name}", str(name), known)
            elif row.effect == "lost" and value:
                self.note("unheard-key", "warning", f"{name!r} is not supported: {row.summary}", key=f"{prefix}{name}")

    def _note_unknown(self, key: str, name: str, known: Iterable[str]) -> None:
        """Report an unknown key, the first ``_MOST_UNKNOWN`` one by one with the nearest known one."""
        self._unknown_keys += 1
        if self._unknown_keys <= _MOST_UNKNOWN:
            self.note("unknown-key", "warning", f"unknown key {name!r}", key=key, fix=did_you_mean(name, known))

    def _note_further(self) -> None:
        if (further := self._unknown_keys - _MOST_UNKNOWN) > 0:
            self.note("unknown-key", "warning", f"{further:,} further unknown keys")

    def _build(self, meta: Mapping[str, Any], alias: str, uid: str) -> Component:
        customize = meta.get("customize") or {}
        family = {"soft": self.ref, "package": f"soft:{meta['soft_uoa']}" if meta.get("soft_uoa") else self.ref}
        env = {
            key: value
            for block in (meta.get("default_env"), meta.get("env"), customize.get("install_env"))
            for key, value in (block or {}).items()
        }
        return Component(
            kind=self.kind,
            alias=alias,
            uid=uid,
            repo=self.repo,
            path=self.path,
            file=self.file,
            bases=self.bases,
            tags=tuple(sorted(set(_listed(meta.get("tags"))))),
            summary=" ".join(text(meta.get("summary")).split()),
            licence=" ".join(text(meta.get("licence")).split()),
            maintainers=_listed(meta.get("maintainers"), ""),
            sources=_listed(meta.get("sources"), ""),
            family=family.get(self.kind, self.ref),
            default_for=_listed(meta.get("default_for"), ""),
            ck_queries=_listed(meta.get("ck_queries"), ""),
            published=self._typed(meta, "published", PublishedFile, None),
            stand_in=self._typed(meta, "stand_in", StandIn, None),
            priority=whole_of(meta.get("priority"), f"{self.file}: priority"),
            versions=self._versions(meta, customize),
            default_version=text(meta.get("default_version")),
            variations=self._variations(meta.get("variations") or {}),
            default_variations=_texts(meta.get("default_variations") or {}),
            requires=self._requires(meta),
            env=_texts(env),
            fetch=self._typed(meta, "fetch", tuple[Fetch, ...], ()),
            result=str(meta.get("result") or meta.get("end_full_path_universal") or ""),
            install=self._typed(meta, "install", Install, None),
            detect=self._detect(meta),
            program=self._program(meta) if self._can_run(meta) else None,
            model=self._typed(meta, "model", Model, None),
            dataset=self._typed(meta, "dataset", Dataset, None),
            profile=self._typed(meta, "profile", Profile, None),
            backend=self._typed(meta, "backend", Backend, None),
            ruleset=self._ruleset(meta, alias),
            submission=self._typed(meta, "submission", SubmissionRules, None),
            foreign_work=foreign_work(self.kind, self.folder, meta, is_ck=self.is_ck),
        )

    def _typed(self, meta: Mapping[str, Any], key: str, type_: Any, default: Any, prefix: str = "") -> Any:
        """Return the block ``key`` as ``type_``; fields that the type does not have are findings."""
        if key not in meta:
            return default
        for place, known in unknown_keys(meta[key], type_, f"{prefix}{key}"):
            if not _is_comment(name := place.rpartition(".")[2]):
                self._note_unknown(place, name, known)
        return self._convert(meta[key], type_, f"{prefix}{key}")

    def _ruleset(self, meta: Mapping[str, Any], alias: str) -> Ruleset | None:
        found: Ruleset | None = self._typed(meta, "ruleset", Ruleset, None)
        return msgspec.structs.replace(found, name=alias) if found else None

    def _detect(self, meta: Mapping[str, Any]) -> Detect | None:
        found: Detect | None = self._typed(meta, "detect", Detect, None)
        if found and found.executable:
            try:
                re.compile(found.executable.version_regex)
            except (re.error, OverflowError, RecursionError) as error:
                where = f"{self.file}: detect.executable.version_regex"
                raise LoomError("it is not a regular expression", where=where, why=[str(error)]) from error
        return found

    def _convert(self, data: Any, type_: Any, key: str) -> Any:
        try:
            return msgspec.convert(data, type_, strict=False)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$")
            place = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path.rstrip("`"))
            raise LoomError(what, where=f"{self.file}: {key}{place}") from error

    def _seconds(self, meta: Mapping[str, Any], key: str) -> float | None:
        given = text(meta.get(key))
        return number(given, f"{self.file}: {key}", ABOVE_ZERO) if given else None

    def _requires(self, table: Mapping[str, Any], prefix: str = "") -> tuple[Requirement, ...]:
        found: list[Requirement] = []
        for key in NEEDS:
            found += read_requirements(table.get(key) or {}, f"{prefix}{key}", self.ref, self._file_of)
        return tuple(found)

    def _versions(self, meta: Mapping[str, Any], customize: Mapping[str, Any]) -> tuple[Version, ...]:
        block = meta.get("versions")
        if isinstance(block, dict):
            return tuple(Version(version=text(k), env=_texts((v or {}).get("env") or {})) for k, v in block.items())
        if block:
            found: tuple[Version, ...] = self._typed(meta, "versions", tuple[Version, ...], ())
            for number, item in enumerate(found):
                _refuse_no_python_range(item.requires_python, f"{self.file}: versions.{number}.requires_python")
            return found
        listed = customize.get("supported_versions") or ([customize["version"]] if customize.get("version") else [])
        return tuple(Version(version=text(item)) for item in listed)

    def _variations(self, block: Mapping[str, Any]) -> dict[str, Variation]:
        return {str(name): self._variation(str(name), item or {}) for name, item in block.items()}

    def _variation(self, name: str, item: Mapping[str, Any]) -> Variation:
        env = {
            key: value
            for block in ("extra_env", "default_env", "env")
            for key, value in (item.get(block) or {}).items()
        }
        return Variation(
            name=name,
            group=str(item.get("group", "")),
            default=item.get("default") is True or item.get("on_by_default") == "yes",
            env=_texts(env),
            tags=_listed(item.get("extra_tags")),
            base=_listed(item.get("base"), ""),
            alias=text(item.get("alias")),
            default_variations=_texts(item.get("default_variations") or {}),
            version=text(item.get("version")),
            fetch=self._typed(item, "fetch", tuple[Fetch, ...], (), f"variations.{name}."),
            pip=text(item.get("pip")),
            profile=self._typed(item, "profile", Profile, None, f"variations.{name}."),
            layout=self._typed(item, "layout", Layout, "", f"variations.{name}."),
            requires=self._requires(item, f"variations.{name}."),
        )

    def _can_run(self, meta: Mapping[str, Any]) -> bool:
        return self.kind == "program" or (self.kind == "script" and "run_cmds" in meta)

    def _program(self, meta: Mapping[str, Any]) -> Program:
        commands = tuple(
            Command(
                name=str(name),
                text=text((item.get("run_time") or {}).get("run_cmd_main")),
                env=_texts(item.get("run_vars") or {}),
            )
            for name, item in (meta.get("run_cmds") or {}).items()
        )
        inputs = {name: {"name": name, **item} for name, item in (meta.get("inputs") or {}).items()}
        return Program(
            commands=commands,
            env=_texts(meta.get("run_vars") or {}),
            inputs=tuple(self._convert(item, Input, f"inputs.{name}") for name, item in inputs.items()),
            results=text(meta.get("results")) or "results.json",
            timeout=self._seconds(meta, "timeout"),
            check=self._typed(meta, "check", Check, None),
        )


def _refuse_no_python_range(text: str, where: str) -> None:
    if not text:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # late: the warm index has read it before

    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise LoomError("it is not a valid range of Python versions", where=where, why=[str(error)]) from error


def _texts(table: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): text(value) for key, value in table.items()}


def _listed(value: Any, separator: str = ",") -> tuple[str, ...]:
    """Return a list of words that may also be written as one string (split at ``separator``, if given)."""
    if isinstance(value, list):
        return tuple(text(item) for item in value)
    words = text(value).split(separator) if separator else [text(value)]
    return tuple(word.strip() for word in words if word.strip())


def _tables(block: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name (or position) and content of the tables in ``block``, a table or a list."""
    items = block.items() if isinstance(block, Mapping) else enumerate(block if isinstance(block, list) else [])
    yield from ((str(name), item) for name, item in items if isinstance(item, Mapping))


def _is_comment(key: str) -> bool:
    return key.startswith(("_", "$", "comment", "FIXME")) or key.endswith("#")
