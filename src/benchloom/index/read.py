"""One entry folder to one Component, tolerantly: what is wrong becomes findings, and never touches another entry."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from benchloom.base.names import did_you_mean
from benchloom.errors import LoomError
from benchloom.index.needs import DEP_KEYS, read_requirements
from benchloom.model.component import (
    Command,
    Component,
    Detect,
    Fetch,
    Input,
    Install,
    Program,
    Requirement,
    Variation,
    Version,
)
from benchloom.model.facts import Backend, Dataset, Model, Profile
from benchloom.model.finding import Finding

CM_FILES = ("_cm.yaml", "_cm.json", "meta.yaml", "meta.json")
_UID = re.compile(r"[0-9a-f]{16}")
_COMMON = frozenset(
    [
        "tags",
        "summary",
        "licence",
        "maintainers",
        "sources",
        "priority",
        "default_for",
        "needs",
        "versions",
        "default_version",
        "variations",
        "deps",
        "fetch",
        "install",
        "result",
        "model",
        "dataset",
        "profile",
        "backend",
        "detect",
        "customize",
        "soft_uoa",
        "soft_name",
        "env",
        "default_env",
        "uid",
        "alias",
        "$schema",
    ]
)
_CK = frozenset(
    [
        "program",
        "no_compile",
        "no_target_file",
        "process_in_tmp",
        "main_language",
        "run_cmds",
        "run_vars",
        "run_deps",
        "compile_deps",
        "inputs",
        "timeout",
        "results",
        "process_script",
        "end_full_path",
        "end_full_path_universal",
        "use_scripts_from_another_entry",
        "suggested_path",
        "package_name",
        "auto_detect",
        "check_exit_status",
        "need_cpu_info",
        "only_for_host_os_tags",
        "only_for_target_os_tags",
        "sort",
        "template",
        "python",
    ]
)
_CM = frozenset(
    [
        "automation_alias",
        "automation_uid",
        "category",
        "cache",
        "name",
        "new_env_keys",
        "new_state_keys",
        "prehook_deps",
        "posthook_deps",
        "post_deps",
        "predeps",
        "input_mapping",
        "input_description",
        "docker",
        "can_force_cache",
        "tags_help",
        "developers",
        "sort",
        "print_env_at_the_end",
        "default_variations",
        "default_variation",
        "variation_groups_order",
        "const",
        "local_env_keys",
        "clean_files",
        "extra_cache_tags_from_env",
        "min_cm_version",
        "tests",
    ]
)


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one entry folder."""

    component: Component | None
    findings: tuple[Finding, ...]


def metadata_files(kind: str, folder: Path) -> list[Path]:
    """Return the files an entry's component is read from, the main one first; empty where there is none."""
    if kind == "script":
        found = [folder / name for name in CM_FILES if (folder / name).is_file()]
        if found:
            return found[:1]
    main = [folder / ".cm" / name for name in ("meta.json", "data.json") if (folder / ".cm" / name).is_file()]
    return [*main[:1], *(path for path in [folder / ".cm" / "info.json"] if main and path.is_file())]


def read_entry(kind: str, folder: Path, root: Path, repo: str) -> Read:
    """Read the entry in ``folder``. Never raises for anything in its files."""
    reader = _Reader(kind, folder, root, repo)
    try:
        return Read(component=reader.component(), findings=tuple(reader.findings))
    except LoomError as error:
        key = error.where.partition(": ")[2]
        reader.note("bad-value", "error", "; ".join([error.what, *error.why]), key=key, fix=error.fix)
    except (msgspec.ValidationError, TypeError, ValueError, AttributeError, KeyError) as error:
        reader.note("bad-value", "error", f"a value is not of its type: {error}")
    return Read(component=None, findings=tuple(reader.findings))


class _Reader:
    def __init__(self, kind: str, folder: Path, root: Path, repo: str) -> None:
        self.kind, self.folder, self.repo = kind, folder, repo
        self.path = folder.relative_to(root).as_posix()
        files = metadata_files(kind, folder)
        self.main = files[0] if files else None
        self.info = files[1] if len(files) > 1 else None
        self.file = self.main.relative_to(root).as_posix() if self.main else self.path
        self.ref = f"{kind}:{folder.name}"
        self.findings: list[Finding] = []

    def note(self, rule: str, severity: Any, message: str, *, key: str = "", line: int = 0, fix: str = "") -> None:
        if key and not line and self.main is not None:
            from benchloom.index.locate import locate  # late: YAML is needed only to say where something is wrong

            line = locate(self.main, key.split("."))
        self.findings.append(
            Finding(
                rule=rule,
                severity=severity,
                subject=self.ref,
                message=message,
                file=self.file,
                line=line,
                key=key,
                fix=fix,
            )
        )

    def component(self) -> Component | None:
        if self.main is None:
            self.note("no-metadata", "warning", "the folder has no metadata file")
            return None
        meta = self._load(self.main)
        if meta is None:
            return None
        info = self._load(self.info) if self.info else {}
        uid = self._uid(meta.get("uid") or (info or {}).get("backup_data_uid") or "")
        self._check_keys(meta)
        alias = str(meta.get("alias") or self.folder.name) if self.main.name in CM_FILES else self.folder.name
        self.ref = f"{self.kind}:{alias}"
        return self._build(meta, alias, uid)

    def _load(self, path: Path) -> dict[str, Any] | None:
        try:
            text = path.read_text(encoding="utf-8")
            found = json.loads(text) if path.suffix == ".json" else _yaml(text)
        except (OSError, ValueError) as error:
            line = getattr(error, "lineno", 0) or getattr(getattr(error, "problem_mark", None), "line", -1) + 1
            self.note(
                "broken-file",
                "error",
                f"{path.name} cannot be read: {str(error).splitlines()[0]}",
                line=line,
                fix="mend the file",
            )
            return None
        if not isinstance(found, dict):
            self.note("broken-file", "error", f"{path.name} is not a table")
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
        known = _COMMON | _CK | _CM
        self._unknown(meta, known, "")
        for block in ("run_deps", "deps", "needs"):
            deps = meta.get(block)
            items = deps.items() if isinstance(deps, dict) else enumerate(deps if isinstance(deps, list) else [])
            for name, dep in items:
                if isinstance(dep, dict):
                    self._unknown(dep, DEP_KEYS, f"{block}.{name}.")

    def _unknown(self, table: Mapping[str, Any], known: frozenset[str], prefix: str) -> None:
        for key in table:
            if key not in known and not _is_comment(str(key)):
                self.note(
                    "unknown-key",
                    "warning",
                    f"unknown key {key!r}",
                    key=f"{prefix}{key}",
                    fix=did_you_mean(str(key), known),
                )

    def _build(self, meta: Mapping[str, Any], alias: str, uid: str) -> Component:
        customize = meta.get("customize") or {}
        is_ck = self.main is not None and self.main.name not in CM_FILES
        family = {"soft": self.ref, "package": f"soft:{meta['soft_uoa']}" if meta.get("soft_uoa") else self.ref}
        env = (
            customize.get("install_env", {})
            if is_ck
            else {**(meta.get("default_env") or {}), **(meta.get("env") or {})}
        )
        return Component(
            kind=self.kind,
            alias=alias,
            uid=uid,
            repo=self.repo,
            path=self.path,
            file=self.file,
            tags=tuple(sorted({str(tag) for tag in meta.get("tags", [])})),
            summary=str(meta.get("summary", "")),
            licence=str(meta.get("licence", "")),
            maintainers=tuple(meta.get("maintainers", [])),
            sources=tuple(meta.get("sources", [])),
            family=family.get(self.kind, self.ref),
            default_for=tuple(meta.get("default_for", [])),
            priority=int(meta.get("priority", 0)),
            versions=self._versions(meta, customize),
            default_version=str(meta.get("default_version") or ""),
            variations=self._variations(meta.get("variations") or {}),
            default_variations={str(k): str(v) for k, v in (meta.get("default_variations") or {}).items()},
            requires=self._requires(meta),
            env=_texts(env),
            fetch=self._typed(meta, "fetch", tuple[Fetch, ...], ()),
            result=str(meta.get("result") or meta.get("end_full_path_universal") or ""),
            install=self._typed(meta, "install", Install, None),
            detect=self._typed(meta, "detect", Detect, None),
            program=self._program(meta) if self.kind == "program" else None,
            model=self._typed(meta, "model", Model, None),
            dataset=self._typed(meta, "dataset", Dataset, None),
            profile=self._typed(meta, "profile", Profile, None),
            backend=self._typed(meta, "backend", Backend, None),
        )

    def _typed(self, meta: Mapping[str, Any], key: str, type_: Any, default: Any) -> Any:
        if key not in meta:
            return default
        try:
            return msgspec.convert(meta[key], type_, strict=False)
        except msgspec.ValidationError as error:
            raise LoomError(f"{key}: {error}", where=f"{self.file}: {key}") from error

    def _requires(self, meta: Mapping[str, Any]) -> tuple[Requirement, ...]:
        found: list[Requirement] = []
        for key in ("run_deps", "deps", "prehook_deps", "needs"):
            found += read_requirements(meta.get(key) or {}, key, self.ref, self.file)
        return tuple(found)

    def _versions(self, meta: Mapping[str, Any], customize: Mapping[str, Any]) -> tuple[Version, ...]:
        block = meta.get("versions")
        if isinstance(block, dict):
            return tuple(Version(version=str(k), env=_texts((v or {}).get("env") or {})) for k, v in block.items())
        if block:
            return tuple(self._typed(meta, "versions", tuple[Version, ...], ()))
        listed = customize.get("supported_versions") or ([customize["version"]] if customize.get("version") else [])
        return tuple(Version(version=str(item)) for item in listed)

    def _variations(self, block: Mapping[str, Any]) -> dict[str, Variation]:
        return {str(name): self._variation(str(name), item or {}) for name, item in block.items()}

    def _variation(self, name: str, item: Mapping[str, Any]) -> Variation:
        env = {**(item.get("extra_env") or {}), **(item.get("env") or {})}
        base = item.get("base") or []
        return Variation(
            name=name,
            group=str(item.get("group", "")),
            default=item.get("default") is True or item.get("on_by_default") == "yes",
            env=_texts(env),
            tags=tuple(item.get("extra_tags") or ()),
            base=tuple([base] if isinstance(base, str) else base),
            alias=str(item.get("alias", "")),
            default_variations=_texts(item.get("default_variations") or {}),
            version=str(item.get("version", "")),
            fetch=self._typed(item, "fetch", tuple[Fetch, ...], ()),
            requires=tuple(
                need
                for key in ("deps", "needs")
                for need in read_requirements(item.get(key) or {}, f"variations.{name}.{key}", self.ref, self.file)
            ),
        )

    def _program(self, meta: Mapping[str, Any]) -> Program:
        commands = tuple(
            Command(
                name=str(name),
                text=str(item.get("run_time", {}).get("run_cmd_main", "")),
                env=_texts(item.get("run_vars") or {}),
            )
            for name, item in (meta.get("run_cmds") or {}).items()
        )
        inputs = {name: {"name": name, **item} for name, item in (meta.get("inputs") or {}).items()}
        return Program(
            commands=commands,
            env=_texts(meta.get("run_vars") or {}),
            inputs=msgspec.convert(list(inputs.values()), tuple[Input, ...], strict=False),
            results=str(meta.get("results") or "results.json"),
            timeout=float(meta["timeout"]) if meta.get("timeout") else None,
        )


def _texts(table: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(key): ("yes" if value else "no") if isinstance(value, bool) else str(value) for key, value in table.items()
    }


def _is_comment(key: str) -> bool:
    return key.startswith(("_", "$", "comment", "FIXME")) or key.endswith("#")


def _yaml(text: str) -> Any:
    import yaml  # late: a warm start parses nothing

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        wrapped = ValueError(str(error).replace("\n", " "))
        mark = getattr(error, "problem_mark", None)
        wrapped.lineno = mark.line + 1 if mark else 0  # type: ignore[attr-defined]
        raise wrapped from error
