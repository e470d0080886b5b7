"""What every soft entry of this repository does under ck: say where to look, and export what was registered."""

import json
import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

# Where ck looks for everything. What this repository needs is looked for where it can be, and where the user says.
EVERYWHERE = frozenset({"/usr", "/opt", "/usr/local/Cellar", os.path.expanduser("~"), os.environ.get("CK_TOOLS", "")})
sought: set[str] = set()


def dirs(i: dict[str, Any]) -> dict[str, Any]:
    """Search where the user says, where a distribution lies in the Python that runs ck, and where files are looked for."""
    detect = i["cfg"].get("detect", {})
    name = detect.get("python", {}).get("distribution", "")
    sought.clear()
    sought.update([_plain(name)] if name else [])
    usual = [*_distribution(name), *(os.path.expanduser(os.path.expandvars(place)) for place in _search(detect))]
    i["dirs"][:] = [place for place in i["dirs"] if place not in EVERYWHERE] + [p for p in usual if os.path.isdir(p)]
    return {"return": 0}


def limit(i: dict[str, Any]) -> dict[str, Any]:
    """Keep, of the METADATA files found, those of the distribution that is looked for."""
    found = [path for path in i["list"] if not sought or _plain(Path(path).parent.name.partition("-")[0]) in sought]
    return {"return": 0, "list": found}


def version_cmd(i: dict[str, Any]) -> dict[str, Any]:
    """Return the version that a facts file, or the metadata of a distribution, states."""
    path = Path(i["full_path"])
    version = ""
    if path.name == "loom.json":
        version = json.loads(path.read_text(encoding="utf-8")).get("version", "")
    elif path.name == "METADATA":
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        version = next((line[9:].strip() for line in lines if line.startswith("Version: ")), "")
    return {"return": 0, "cmd": "", "version": version}


def setup(i: dict[str, Any]) -> dict[str, Any]:
    """Export what was registered as ``<PREFIX>_FILE``, and a facts file as ``LOOM_<ROLE>`` too."""
    customize, env = i["customize"], i["env"]
    path = customize.get("full_path", "")
    env[customize["env_prefix"] + "_FILE"] = path
    if customize.get("loom_role"):
        env["LOOM_" + customize["loom_role"].upper()] = path
    return {"return": 0, "bat": ""}


def _search(detect: dict[str, Any]) -> list[str]:
    found: list[str] = detect.get("files", {}).get("search", [])
    return found


def _distribution(name: str) -> list[str]:
    try:
        return [str(distribution(name)._path)] if name else []  # type: ignore[attr-defined]  # noqa: SLF001 - no other way
    except PackageNotFoundError:
        return []


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
