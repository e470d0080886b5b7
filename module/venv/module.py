"""Virtual environments for ck: every action is one command of ``loom venv``, with the same flags."""

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

cfg: dict[str, Any] = {}
work: dict[str, Any] = {}
ck: Any = None

START = Path(__file__).resolve().parents[2] / "script" / "ck-adapter" / "benchloom.sh"
NOT_FOUND = 16  # ck's own code for it
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
    """List environments, of a pattern those it means (ck ls venv:test*); ``lst`` has their names and folders."""
    found = _of_pattern(i.get("data_uoa", "") or "*")
    if isinstance(found, int):
        return _failure(found)
    if i.get("out") == "con":
        for item in found:
            ck.out(item["data_uoa"])
    return {"return": 0, "lst": found}


def find(i: dict[str, Any]) -> dict[str, Any]:
    """Print where an environment lies; ``path`` of several, by a pattern, is that of the first, and ``lst`` has them all."""
    found = _named(i, "find")
    if isinstance(found, dict):
        return found
    if i.get("out") == "con":
        for item in found:
            ck.out(item["path"])
    return {"return": 0, "path": found[0]["path"], "lst": found}


def show(i: dict[str, Any]) -> dict[str, Any]:
    """Show what is in an environment, or in those that a pattern means."""
    return _call_each(i, "show")


def rm(i: dict[str, Any]) -> dict[str, Any]:
    """Remove an environment, or those that a pattern means: ck rm venv:*."""
    return _call_each(i, "rm")


def lock(i: dict[str, Any]) -> dict[str, Any]:
    """Write the lock of an environment: ck lock venv:NAME [--output=FILE]."""
    return _call(i, "lock", *(f"--{name}={value}" for name, value in _flags(i).items()))


def _flags(i: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in i.items() if name not in OF_CK and isinstance(value, str)}


def _is_forced(i: dict[str, Any]) -> bool:
    return "yes" in {i.get("force"), i.get("f")}


def _of_pattern(pattern: str) -> list[dict[str, str]] | int:
    """Return names and folders of the environments that ``pattern`` means, or the status of ``loom venv ls`` if it failed."""
    done = _start("ls", "--json", capture=True)
    if done.returncode not in {0, 1}:
        return done.returncode
    listed = [{"data_uoa": item["name"], "path": item["path"]} for item in json.loads(done.stdout)]
    return [item for item in listed if fnmatchcase(item["data_uoa"], pattern)]


def _named(i: dict[str, Any], action: str) -> list[dict[str, str]] | dict[str, Any]:
    """Return the environments that the input means, at least one, or the failure to return."""
    pattern = i.get("data_uoa", "")
    if not pattern:
        return _unnamed(action)
    found = _of_pattern(pattern)
    if isinstance(found, int):
        return _failure(found)
    if not found:
        return {"return": NOT_FOUND, "error": f"there is no virtual environment {pattern}; ck ls venv lists them"}
    return found


def _call_each(i: dict[str, Any], action: str) -> dict[str, Any]:
    """Call an action for every environment that a pattern means; a plain name is for loom to find."""
    if not set(i.get("data_uoa", "")) & set("*?["):
        return _call(i, action)
    found = _named(i, action)
    if isinstance(found, dict):
        return found
    failed = [done for item in found if (done := _call({**i, "data_uoa": item["data_uoa"]}, action))["return"]]
    return failed[0] if failed else {"return": 0}


def _unnamed(action: str) -> dict[str, Any]:
    return {"return": 1, "error": f"name the environment: ck {action} venv:NAME"}


def _call(i: dict[str, Any], action: str, *words: str) -> dict[str, Any]:
    name = i.get("data_uoa", "")
    if not name:
        return _unnamed(action)
    done = _start(action, name, *words)
    return {"return": 0} if done.returncode == 0 else _failure(done.returncode)


def _start(*words: str, capture: bool = False) -> "subprocess.CompletedProcess[str]":
    command = [str(START), sys.executable, "venv", *words]
    return subprocess.run(command, stdout=subprocess.PIPE if capture else None, text=True, check=False)  # noqa: S603


def _failure(status: int) -> dict[str, Any]:
    return {"return": status, "error": "loom venv failed; see above"}
