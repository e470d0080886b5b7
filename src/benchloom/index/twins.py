"""Generate the package entry of a Python library from its soft entry.

A library has one hand-written entry: the soft entry states how it is detected and, under ``package``, how it is
installed. `ck` needs two, a soft entry to detect and a package to install, so ``loom repo sync`` writes the package;
tags, summary and licence are stated once.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

KEY = "package"
SOURCE = "_generated_from"
BASE = "package.template:benchloom"
_SHARED = ("tags", "summary", "licence", "maintainers", "sources", "default_for", "ck_queries", "priority")


def package_of(alias: str, soft: Mapping[str, Any]) -> str:
    """Return the metadata file of the package that installs what ``soft:alias`` detects; '' if the entry has no ``package``.

    That block holds ``versions``, ``variations``, and the parts of ``install`` that differ from the detected
    distribution.
    """
    stated = soft.get(KEY)
    if not isinstance(stated, Mapping):
        return ""
    return json.dumps(dict(_content(alias, soft, stated)), indent=2, ensure_ascii=False) + "\n"


def _content(alias: str, soft: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield SOURCE, f"soft:{alias}"
    yield "_base_entry", BASE
    yield from ((key, soft[key]) for key in _SHARED if key in soft)
    yield "soft_uoa", alias
    detect = soft.get("detect")
    python = detect.get("python") if isinstance(detect, Mapping) else None
    install = stated.get("install", {})
    if isinstance(python, Mapping) and isinstance(install, Mapping):
        yield "install", {"pip": python.get("distribution", ""), **install}
    yield from ((key, value) for key, value in stated.items() if key != "install")
    yield "suggested_path", alias
