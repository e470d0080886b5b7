"""What every soft entry of this repository does under ck: find a Python distribution, and export what was registered."""

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any


def dirs(i: dict[str, Any]) -> dict[str, Any]:
    """Search only where the distribution lies in the Python that runs ck; nowhere for what ck has to install."""
    name = i["cfg"].get("detect", {}).get("python", {}).get("distribution", "")
    try:
        folder = distribution(name)._path if name else None  # noqa: SLF001 - the only way to the folder
    except PackageNotFoundError:
        folder = None
    i["dirs"].clear()
    if folder:
        i["dirs"].append(str(folder))
    return {"return": 0}


def version_cmd(i: dict[str, Any]) -> dict[str, Any]:
    """Return the version that a facts file, or the metadata of a distribution, states."""
    path = Path(i["full_path"])
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.name == "loom.json":
        version = json.loads(text).get("version", "")
    else:
        version = next((line[9:].strip() for line in text.splitlines() if line.startswith("Version: ")), "")
    return {"return": 0, "cmd": "", "version": version}


def setup(i: dict[str, Any]) -> dict[str, Any]:
    """Export what was registered as ``<PREFIX>_FILE``, and a facts file as ``LOOM_<ROLE>`` too."""
    customize, env = i["customize"], i["env"]
    path = customize.get("full_path", "")
    env[customize["env_prefix"] + "_FILE"] = path
    if customize.get("loom_role"):
        env["LOOM_" + customize["loom_role"].upper()] = path
    return {"return": 0, "bat": ""}
