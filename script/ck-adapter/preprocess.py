"""Before a program of this repository runs under ck: prepare what it needs around what ck chose."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def ck_preprocess(i: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of the program; an error where what ck chose cannot be prepared."""
    alias = (
        Path(i["params"]["program_path"]).name if i.get("params", {}).get("program_path") else Path.cwd().parent.name
    )
    command = [
        str(HERE / "benchloom.sh"),
        sys.executable,
        "ck",
        f"program:{alias}",
        f"--work={Path.cwd() / 'loom'}",
        "--json",
        "--quiet",
    ]
    for role, dep in i["deps"].items():
        found = dep.get("dict", {})
        uid = found.get("package_uoa") or found.get("soft_uoa")
        if uid:
            command.append(f"--choice={role}={uid}")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if done.returncode:
        return {"return": 1, "error": "Benchloom could not prepare the program; see above"}
    return {"return": 0, "bat": "", "new_env": json.loads(done.stdout)["variables"]}
