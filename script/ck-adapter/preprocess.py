"""Before a program of this repository runs under ck: prepare what it needs around what ck chose."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve().parent
DATASET_PATH = "LOOM_DATASET_PATH"
FACTS = "loom.json"
OF_CK_PROGRAM = os.path.join("program", "module.py")


def ck_preprocess(i: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of the program; an error where what ck chose cannot be prepared.

    ck ends with 0 even then, so at a terminal the process ends here, with the exit code of loom.
    """
    ck = i["ck_kernel"]
    place = Path(i.get("params", {}).get("program_path") or Path.cwd().parent)
    given = i.get("env", {})
    command = [str(HERE / "benchloom.sh"), sys.executable, "ck", f"program:{place.name}"]
    command += [f"--work={Path.cwd() / 'loom'}", "--json", "--quiet"]
    chosen = [(role, dep["dict"]) for role, dep in i["deps"].items() if dep.get("dict")]
    try:
        more, words = _asked(ck, i, i["meta"].get("needs", {}))
    except LookupError as error:
        return _failed(i, str(error.args[0]), 2)
    command += words
    if given.get(DATASET_PATH):
        command.append(f"--dataset_path={given[DATASET_PATH]}")
    repositories = {str(place.parents[1])}
    for role, found in [*chosen, *more]:
        if uid := found.get("package_uoa") or found.get("soft_uoa"):
            version = found.get("setup", {}).get("version", "")
            tags = [*found.get("tags", []), *([f"@{version}"] if version else [])]
            command.append(f"--choice={role}={','.join([uid, *tags])}")
            repositories |= _repositories(ck, found)
    command += [f"--repository={path}" for path in sorted(repositories)]
    environ = {**os.environ, **given}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environ, check=False)  # noqa: S603
    if done.returncode:
        return _failed(i, "Benchloom could not prepare the program; see above", done.returncode)
    return {"return": 0, "bat": "", "new_env": json.loads(done.stdout)["variables"]}


def _failed(i: dict[str, Any], message: str, status: int) -> dict[str, Any]:
    if i.get("out") == "con":
        sys.stderr.write(f"\nerror: {message}\n")
        raise SystemExit(status)
    return {"return": 1, "error": message}


def _asked(ck: Any, i: dict[str, Any], needs: dict[str, Any]) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """Return what the user asked of roles that ck does not resolve: environments by role, and words for loom.

    As for ck's own roles, a registered environment with the tags comes first. Raises LookupError if several have them.
    """
    chosen: list[tuple[str, dict[str, Any]]] = []
    words: list[str] = []
    is_dataset_given = DATASET_PATH in i.get("env", {})
    for flag, text in _flags(sys._getframe(1)).items():  # noqa: SLF001 - ck hands its scripts no flags
        kind, _, role = flag.partition(".")
        if role in i["deps"] or not text:
            continue
        if kind == "deps":
            found = _environment(ck, text, flag)
        elif role in needs:
            found = _environments(ck, [*needs[role].get("tags", "").split(","), *text.split(",")])
        else:
            found = {}
        if len(found) > 1:
            listed = ", ".join(f"env:{uid} ({_file(entry)})" for uid, entry in found.items())
            first = f"--deps.{role}={next(iter(found))}"
            raise LookupError(f"--{flag}={text}: {len(found)} environments have these tags: {listed}; choose: {first}")
        for uid, entry in found.items():
            if _is_data(entry):
                source = f"--{flag}={text}".replace(",", " ")  # a comma separates the parts of the word
                words.append(f"--dataset={role},{source},{uid},{entry['soft_uoa']},{_file(entry)}")
                is_dataset_given = True
            else:
                chosen.append((role, entry))
        if not found:
            words.append(f"--{flag}={text}")
    if not is_dataset_given:
        registered = {uid: entry for uid, entry in _environments(ck, []).items() if _is_data(entry)}
        words += [f"--registered={uid},{entry['soft_uoa']},{_file(entry)}" for uid, entry in registered.items()]
    return chosen, words


def _flags(frame: FrameType | None) -> dict[str, str]:
    """Return ``dep_add_tags.ROLE`` and ``deps.ROLE`` as the user gave them to the outermost action of a program."""
    asked: dict[str, Any] = {}
    while frame:
        if frame.f_code.co_filename.endswith(OF_CK_PROGRAM):
            asked = frame.f_locals.get("i", asked)
        frame = frame.f_back
    tables = {f"dep_add_tags.{role}": tags for role, tags in asked.get("dep_add_tags", {}).items()}
    return {**tables, **{key: value for key, value in asked.items() if key.startswith(("dep_add_tags.", "deps."))}}


def _environments(ck: Any, tags: list[str]) -> dict[str, dict[str, Any]]:
    """Return the registered environments with all of ``tags``, by uid."""
    wanted = ",".join(tag for tag in tags if tag)
    found = ck.access({"action": "search", "module_uoa": "env", "tags": wanted}).get("lst", [])
    entries = {item["data_uid"]: _load(ck, item["data_uid"]) for item in found}
    return {uid: entry for uid, entry in sorted(entries.items()) if os.path.exists(_file(entry))}


def _environment(ck: Any, name: str, flag: str) -> dict[str, dict[str, Any]]:
    uid = name.rpartition(":")[2]
    entry = _load(ck, uid)
    if not os.path.exists(_file(entry)):
        raise LookupError(f"--{flag}={name}: no environment is registered by that name")
    return {uid: entry}


def _load(ck: Any, uid: str) -> dict[str, Any]:
    entry: dict[str, Any] = ck.access({"action": "load", "module_uoa": "env", "data_uoa": uid}).get("dict", {})
    return entry


def _file(entry: dict[str, Any]) -> str:
    path: str = entry.get("customize", {}).get("full_path", "")
    return path


def _is_data(entry: dict[str, Any]) -> bool:
    """Tell whether an environment is of files that were detected, and neither installed nor a Python library."""
    return bool(entry.get("soft_uoa")) and Path(_file(entry)).name not in {FACTS, "METADATA"}


def _repositories(ck: Any, found: dict[str, Any]) -> set[str]:
    """Return the roots of the repositories that hold what was chosen: they need not be loom's."""
    kinds = {"package": found.get("package_uoa"), "soft": found.get("soft_uoa")}
    paths = [ck.access({"action": "find", "module_uoa": kind, "data_uoa": uid}) for kind, uid in kinds.items() if uid]
    return {str(Path(item["path"]).parents[1]) for item in paths if item.get("path")}
