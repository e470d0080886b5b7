"""A repository of our own making that carries the names of octoml/venv: its aliases and uids, and nothing of what is in it."""

import json
import zipfile
from pathlib import Path

ALIAS = "octoml@venv"
SAID = "the other repository's venv"
_UIDS = {
    "repo": "7a8c0449a7b1d540",
    "module": "032630d041b4fd8a",
    "module/venv": "7ed17cb445bb5f69",
    "module/venv.template": "00437f87b26fd015",
    "venv.template": "00437f87b26fd015",
    "venv.template/mlperf-inference-1.0": "7debfa188a9443eb",
}
_MODULE = f"""
cfg, work, ck = {{}}, {{}}, None


def init(i):
    return {{"return": 0}}


def create(i):
    print("{SAID}")
    return {{"return": 0}}


activate = create
"""


def other_venv(root: Path) -> Path:
    """Write the repository into ``root`` and return it."""
    identity = {"data_alias": ALIAS, "data_name": ALIAS, "data_uid": _UIDS["repo"], "data_uoa": ALIAS, "dict": {}}
    for name, uid in _UIDS.items():
        if name == "repo":
            continue
        folder = root / name
        aliases = folder.parent / ".cm"
        (folder / ".cm").mkdir(parents=True, exist_ok=True)
        aliases.mkdir(exist_ok=True)
        (aliases / f"alias-a-{folder.name}").write_text(f"{uid}\n")
        (aliases / f"alias-u-{uid}").write_text(f"{folder.name}\n")
        if "/" in name:
            actions = {"actions": {"create": {}, "activate": {}}} if name == "module/venv" else {}
            (folder / ".cm" / "meta.json").write_text(json.dumps(actions))
    (root / "module" / "venv" / "module.py").write_text(_MODULE)
    (root / ".ckr.json").write_text(json.dumps(identity))
    return root


def zipped(root: Path) -> Path:
    """Return a zip file of the repository in ``root``, as `ck add repo --zip=` takes it."""
    file = root.with_suffix(".zip")
    with zipfile.ZipFile(file, "w") as made:
        for path in sorted(root.rglob("*")):
            made.write(path, path.relative_to(root))
    return file
