"""Skeletons of new components, with FIXME for facts that only the author knows."""

import json
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from benchloom.authoring.lint_rules.identity import PLACEHOLDER, UNFINISHED
from benchloom.base.atomic import write_text
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.index.built_in import is_checkout, refuse_installed
from benchloom.index.repositories import Repository
from benchloom.model.base import Document, SchemaTable
from benchloom.model.component import KINDS, RULESET, VENV_TEMPLATE
from benchloom.rules.figures import figures_of
from benchloom.rules.scenarios import SCENARIOS

Template = Literal["model", "python-library", "archive"]
TEMPLATES: tuple[Template, ...] = ("model", "python-library", "archive")

_ALIAS = re.compile(r"[a-z0-9][a-z0-9._-]*")
_UNPINNED = f"{PLACEHOLDER}: write its digest under 'digest' and remove this line"
# The uid of CM's automation for scripts, which every CM script names.
_CM_SCRIPT_UID = "5b4e0237da074764"

_PROGRAM = '''\
"""FIXME: what this program measures. Every need arrives as a file of facts named by LOOM_<ROLE>; inputs are flags."""

import json
import os
import sys
from pathlib import Path

for name, value in sorted(os.environ.items()):
    if name.startswith("LOOM_") and value.endswith(".json") and Path(value).is_file():
        print(name, json.loads(Path(value).read_text())["component"])
print("inputs", *sys.argv[1:])
'''

_BUILD = '''\
"""FIXME: what this script makes. Whatever it leaves in the working directory is its result."""

from pathlib import Path

Path("result.txt").write_text("FIXME\\n")
'''


class Created(Document, frozen=True, kw_only=True):
    """What ``loom new`` wrote.

    Attributes:
        component: reference of the new component.
        folder: its folder, absolute.
        files: the files that were written, absolute.
        next: what is left to do, in order.
    """

    component: str
    folder: str
    files: tuple[str, ...]
    next: tuple[str, ...]


SCHEMAS: SchemaTable = {"created": (Created, "loom new --json")}


def new(
    repositories: Sequence[Repository], name: str, *, directory: str = "", tags: str = "", template: Template = "model"
) -> Created:
    """Write the skeleton of ``kind:alias`` into the first of ``repositories`` that can be written, or into ``directory``.

    Raises InputError if the folder exists already, no repository is writable, or the name is invalid.
    """
    kind, alias = _parsed(name)
    root = Path(directory).expanduser().resolve() if directory else _writable(repositories)
    refuse_installed(root)
    folder = root / kind / alias
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{kind}:{alias} exists already", where=str(folder), fix="choose another name")
    uid = uuid.uuid4().hex[:16]
    texts = _texts(kind, alias, uid, _tags(kind, alias, tags), template)
    try:
        for file, text in texts.items():
            write_text(folder / file, text)
    except OSError as error:
        raise InputError("the component cannot be written", where=str(folder), why=[str(error)]) from error
    is_known = str(root) in {item.path for item in repositories}
    return Created(
        component=f"{kind}:{alias}",
        folder=str(folder),
        files=tuple(str(folder / file) for file in texts),
        next=(
            f"replace every {PLACEHOLDER} in {folder / next(iter(texts))}",
            f"loom lint {folder}",
            f"loom repo sync {root}",
            *([] if is_known else [f"loom repo add {root}"]),
        ),
    )


def _parsed(name: str) -> tuple[str, str]:
    kind, colon, alias = name.partition(":")
    if not colon or not alias:
        raise InputError(f"{name!r} is not KIND:ALIAS", where="command line", fix="write for instance package:my-model")
    if kind not in KINDS:
        fix = did_you_mean(kind, KINDS) or f"kinds: {', '.join(KINDS)}"
        raise UnknownNameError(f"there is no kind {kind!r}", where="command line", fix=fix)
    if not _ALIAS.fullmatch(alias):
        raise InputError(f"{alias!r} is not an alias", where="command line", fix="use a-z, 0-9 and . _ -")
    return kind, alias


def _writable(repositories: Sequence[Repository]) -> Path:
    # Clones belong to others, and installed components belong to the package.
    own = (item for item in repositories if not item.url and (is_checkout() or not item.built_in))
    for repository in sorted(own, key=lambda item: item.built_in):
        if os.access(repository.path, os.W_OK):
            return Path(repository.path)
    raise InputError("no repository is writable", fix="name a folder: --dir PATH")


def _tags(kind: str, alias: str, given: str) -> list[str]:
    """Return the author's tags, filled up to the required three."""
    tags = [tag for word in given.split(",") if (tag := word.strip())]
    spare = [tag for tag in (alias, kind, UNFINISHED, f"new-{kind}") if tag not in tags]
    spare = list(dict.fromkeys(spare))
    return [*tags, *spare[: max(0, 3 - len(tags))]]


def _texts(kind: str, alias: str, uid: str, tags: list[str], template: Template) -> dict[str, str]:
    """Return the files of the component by relative path, its metadata first."""
    common = {
        "tags": tags,
        "summary": f"{PLACEHOLDER}: describe it in one line",
        "licence": f"{PLACEHOLDER}: its SPDX identifier",
        "maintainers": [f"{PLACEHOLDER}: who maintains it"],
        "sources": [f"{PLACEHOLDER}: sources of its facts"],
    }
    if kind == "script":
        return {"_cm.yaml": _cm_text(alias, uid, common), "build.py": _BUILD}
    meta = {**common, **_content(kind, alias, template)}
    return {
        ".cm/meta.json": _json(meta),
        ".cm/info.json": _json({"backup_data_uid": uid, "backup_module_uoa": kind, "data_name": alias}),
        ".cm/desc.json": "{}\n",
        **({"main.py": _PROGRAM} if kind == "program" else {}),
    }


def _content(kind: str, alias: str, template: Template) -> Mapping[str, Any]:
    if kind == "package":
        facts = {"model": _model, "python-library": _python_library, "archive": _archive}[template](alias)
        return {"_base_entry": "package.template:benchloom", **facts, "suggested_path": alias}
    made = {"program": _program, "dataset": _dataset, RULESET: _ruleset, "soft": _soft, VENV_TEMPLATE: _venv_template}
    return made[kind](alias) if kind in made else {}


def _soft(alias: str) -> Mapping[str, Any]:
    return {"detect": {"executable": {"names": [alias], "version_arguments": ["--version"]}}}


def _venv_template(_alias: str) -> Mapping[str, Any]:
    return {"needs": {"ck": {"tags": "lib,python-package,ck"}}}


def _program(_alias: str) -> Mapping[str, Any]:
    return {
        "_base_entry": "program.template:benchloom",
        "run_cmds": {"default": {"run_time": {"run_cmd_main": "$<<LOOM_PYTHON>>$ $<<LOOM_COMPONENT>>$/main.py"}}},
        "run_deps": {},
        "inputs": {"count": {"summary": f"{PLACEHOLDER}: what it counts", "type": "int", "default": "1"}},
    }


def _model(alias: str) -> Mapping[str, Any]:
    return {
        "fetch": [{"url": f"https://example.org/{PLACEHOLDER}/{alias}.onnx", "unpinned": _UNPINNED}],
        "result": f"{alias}.onnx",
        "soft_uoa": "ml-model",
        "model": {
            "name": PLACEHOLDER,
            "task": "image-classification",
            "format": "onnx",
            "precision": "fp32",
            "inputs": [{"name": PLACEHOLDER, "shape": ["N", 3, 224, 224], "dtype": "float32", "layout": "NCHW"}],
            "outputs": [{"name": PLACEHOLDER, "shape": ["N", 1000], "dtype": "float32"}],
            "classes": {"count": 1000},
        },
    }


def _python_library(alias: str) -> Mapping[str, Any]:
    distribution = alias.removeprefix("lib-python-")
    return {"install": {"pip": distribution}, "versions": [{"version": f"0+{PLACEHOLDER}"}]}


def _archive(alias: str) -> Mapping[str, Any]:
    url = f"https://example.org/{PLACEHOLDER}/{alias}.tar.gz"
    return {
        "fetch": [{"url": url, "unpinned": _UNPINNED, "archive": "tar"}],
        "versions": [{"version": f"0+{PLACEHOLDER}"}],
    }


def _dataset(alias: str) -> Mapping[str, Any]:
    url = f"https://example.org/{PLACEHOLDER}/{alias}.zip"
    return {
        "fetch": [{"url": url, "unpinned": _UNPINNED, "archive": "zip"}],
        "dataset": {
            "name": alias,
            "task": "image-classification",
            "layout": "imagenet",
            "images": f"images-{PLACEHOLDER}",
            "labels": "val_map.txt",
            "count": 1,
            "classes": 2,
        },
    }


def _ruleset(_alias: str) -> Mapping[str, Any]:
    scenarios = {
        name: {"figure": figures_of(name)[0].key, "min_duration": 60, "min_queries": 1024} for name in SCENARIOS
    }
    return {
        "ruleset": {
            "default_bound_ms": 10,
            "scenarios": scenarios,
            "benchmarks": {PLACEHOLDER: {"models": [PLACEHOLDER]}},
            "notes": [f"{PLACEHOLDER}: notes for every result under it"],
            "sources": {"min_duration": f"{PLACEHOLDER}: source of the fact"},
        }
    }


def _cm_text(alias: str, uid: str, common: Mapping[str, Any]) -> str:
    import yaml  # late: only scripts are written in YAML

    head = f'alias: {alias}\nuid: "{uid}"\nautomation_alias: script\nautomation_uid: "{_CM_SCRIPT_UID}"\n'
    rest = yaml.safe_dump({**common, "install": {"script": "build.py"}}, sort_keys=False, width=120)
    return head + rest


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
