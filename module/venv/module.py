"""Virtual environments for ck: every action is one command of ``loom venv``, with the same flags."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

cfg: dict[str, Any] = {}
work: dict[str, Any] = {}
ck: Any = None

START = Path(__file__).resolve().parents[2] / "script" / "ck-adapter" / "benchloom.sh"
# What ck itself puts into an action's input; every other key is a flag of the command line.
OF_CK = frozenset(
    {
        "action",
        "cid",
        "cids",
        "common_func",
        "con",
        "con_encoding",
        "data_uoa",
        "f",
        "force",
        "module_uoa",
        "out",
        "quiet",
        "repo_module_uoa",
        "repo_uoa",
        "unparsed",
        "xcids",
    }
)


def init(_: dict[str, Any]) -> dict[str, Any]:
    """Prepare nothing."""
    return {"return": 0}


def create(i: dict[str, Any]) -> dict[str, Any]:
    """Make an environment: ck create venv:NAME --template=ALIAS [--python=PATH] [--dep_add_tags.ROLE=TAGS] [--force].

    It is made of the Python that runs ck, unless told otherwise.
    """
    flags = {"python": sys.executable, **_flags(i)}
    return _call(i, "create", *(["--force"] if _is_forced(i) else []), *(f"--{name}={value}" for name, value in flags.items()))


def activate(i: dict[str, Any]) -> dict[str, Any]:
    """Start a shell inside an environment; where there is no terminal, print the line that activates it."""
    return _call(i, "activate", *(f"--{name}={value}" for name, value in _flags(i).items()))


def run(i: dict[str, Any]) -> dict[str, Any]:
    """Run a command inside an environment: ck exec venv:NAME -- COMMAND."""
    return _call(i, "exec", "--", *i.get("unparsed", []))


def ls(i: dict[str, Any]) -> dict[str, Any]:
    """List environments; ``lst`` has their names and folders."""
    done = _start("ls", "--json", capture=True)
    if done.returncode not in {0, 1}:
        return _failure(done.returncode)
    found = [{"data_uoa": item["name"], "path": item["path"]} for item in json.loads(done.stdout)]
    if i.get("out") == "con":
        for item in found:
            ck.out(item["data_uoa"])
    return {"return": 0, "lst": found}


def show(i: dict[str, Any]) -> dict[str, Any]:
    """Show what is in an environment."""
    return _call(i, "show")


def rm(i: dict[str, Any]) -> dict[str, Any]:
    """Remove an environment."""
    return _call(i, "rm")


def lock(i: dict[str, Any]) -> dict[str, Any]:
    """Write the lock of an environment: ck lock venv:NAME [--output=FILE]."""
    return _call(i, "lock", *(f"--{name}={value}" for name, value in _flags(i).items()))


def _flags(i: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in i.items() if name not in OF_CK and isinstance(value, str)}


def _is_forced(i: dict[str, Any]) -> bool:
    return "yes" in {i.get("force"), i.get("f")}


def _call(i: dict[str, Any], action: str, *words: str) -> dict[str, Any]:
    name = i.get("data_uoa", "")
    if not name:
        return {"return": 1, "error": f"name the environment: ck {action} venv:NAME"}
    done = _start(action, name, *words)
    return {"return": 0} if done.returncode == 0 else _failure(done.returncode)


def _start(*words: str, capture: bool = False) -> "subprocess.CompletedProcess[str]":
    command = [str(START), sys.executable, "venv", *words]
    return subprocess.run(command, stdout=subprocess.PIPE if capture else None, text=True, check=False)  # noqa: S603


def _failure(status: int) -> dict[str, Any]:
    return {"return": status, "error": "loom venv failed; see above"}
