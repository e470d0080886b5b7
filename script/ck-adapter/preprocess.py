"""Before a program of this repository runs under ck: prepare what it needs around what ck chose."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATASET_PATH = "LOOM_DATASET_PATH"


def ck_preprocess(i: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of the program; an error where what ck chose cannot be prepared."""
    ck = i["ck_kernel"]
    place = Path(i.get("params", {}).get("program_path") or Path.cwd().parent)
    command = [str(HERE / "benchloom.sh"), sys.executable, "ck", f"program:{place.name}"]
    command += [f"--work={Path.cwd() / 'loom'}", "--json", "--quiet"]
    repositories = {str(place.parents[1])}
    for role, dep in i["deps"].items():
        found = dep.get("dict", {})
        uid = found.get("package_uoa") or found.get("soft_uoa")
        if uid:
            command.append(f"--choice={role}={','.join([uid, *found.get('tags', [])])}")
            repositories |= _repositories(ck, found)
    command += [f"--repository={path}" for path in sorted(repositories)]
    environ = {**os.environ, DATASET_PATH: i.get("env", {}).get(DATASET_PATH) or _registered_dataset(ck)}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environ, check=False)  # noqa: S603
    if done.returncode:
        return {"return": 1, "error": "Benchloom could not prepare the program; see above"}
    return {"return": 0, "bat": "", "new_env": json.loads(done.stdout)["variables"]}


def _repositories(ck: Any, found: dict[str, Any]) -> set[str]:
    """Return the roots of the repositories that hold what was chosen: they need not be loom's."""
    kinds = {"package": found.get("package_uoa"), "soft": found.get("soft_uoa")}
    paths = [ck.access({"action": "find", "module_uoa": kind, "data_uoa": uid}) for kind, uid in kinds.items() if uid]
    return {str(Path(item["path"]).parents[1]) for item in paths if item.get("path")}


def _registered_dataset(ck: Any) -> str:
    """Return the folder of a data set that ``ck detect soft`` registered, '' where there is none."""
    found = ck.access({"action": "search", "module_uoa": "env", "tags": "dataset,imagenet-layout"}).get("lst", [])
    for item in found:
        entry = ck.access({"action": "load", "module_uoa": "env", "data_uoa": item["data_uid"]}).get("dict", {})
        path = entry.get("customize", {}).get("full_path", "")
        if os.path.exists(path):
            return os.path.dirname(path)
    return os.environ.get(DATASET_PATH, "")
