"""Work that CK, CM or MLC would do for a component, such as running its script, and that this engine does not do.

Such a component is never reported as installed: resolution refuses it, with what would be needed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchloom.model.component import BY_HAND

# Keys in this engine's own format; a component with one of these needs no other tool.
_OURS = (
    "fetch",
    "install",
    "detect",
    "model",
    "dataset",
    "profile",
    "backend",
    "ruleset",
    "submission",
    "pip",
    "run_cmds",
)
_CM_WORK = ("run.sh", "run.bat", "customize.py")
_CK_WORK = ("install.sh", "install.bat", "custom.py", "customize.py")


def foreign_work(kind: str, folder: Path, meta: Mapping[str, Any], *, is_ck: bool) -> str:
    """Return a sentence on what another tool would do for the entry with this metadata in ``folder``, or ''.

    ``is_ck`` tells that the metadata is CK's.
    """
    if kind == "program":
        return _of_program(meta)
    if kind not in _OF_KIND or any(meta.get(key) for key in _OURS) or _has_fetches(meta):
        return ""
    return _OF_KIND[kind](folder, meta, is_ck)


def _of_script(folder: Path, meta: Mapping[str, Any], is_ck: bool) -> str:
    del meta
    return "it is a script of CK, which ck runs, not loom" if is_ck else _said(folder, _CM_WORK, "cm or mlc")


def _of_package(folder: Path, meta: Mapping[str, Any], _: bool) -> str:
    if isinstance(meta.get("by_hand"), str):
        return f"{BY_HAND}{meta['by_hand']}"
    script = meta.get("process_script")
    is_scripted = isinstance(script, str) and bool(script)
    return f"its script {script!r} is run by ck, not by loom" if is_scripted else _said(folder, _CK_WORK, "ck")


def _of_soft(_folder: Path, meta: Mapping[str, Any], _: bool) -> str:
    customize = meta.get("customize")
    is_ours = not isinstance(customize, Mapping) or not customize or "loom_role" in customize
    return "" if is_ours else "ck detects it with its own script (customize), which loom does not run"


_OF_KIND = {"script": _of_script, "package": _of_package, "soft": _of_soft}


def _has_fetches(meta: Mapping[str, Any]) -> bool:
    tables = [meta.get("versions"), meta.get("variations")]
    items = [item for table in tables for item in (table.values() if isinstance(table, dict) else table or ())]
    return any(isinstance(item, Mapping) and item.get("fetch") for item in items)


def _said(folder: Path, names: tuple[str, ...], tools: str) -> str:
    found = next((name for name in names if (folder / name).is_file()), "")
    return f"its {found} is run by {tools}, not by loom" if found else ""


def _of_program(meta: Mapping[str, Any]) -> str:
    if not meta.get("run_cmds"):
        return "it states no run_cmds"
    if meta.get("source_files") and meta.get("no_compile") != "yes":
        return "its sources are compiled by ck, not by loom"
    return ""
