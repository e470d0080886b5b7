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
EXIT_INPUT = 2
OF_CK_PROGRAM = os.path.join("program", "module.py")
DEFAULTS = "benchloom"  # the dependency that has ck choose without asking, and its note of the setting that it made
QUIET_INSTALL = "package_quiet_install"
RETURNS_FAILURE = "return_error_if_external_fail"  # else ck returns 0 to a Python program whose run failed


def ck_preprocess(i: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of the program; an error where what ck chose cannot be prepared.

    ck ends with 0 even then, so at a terminal the process ends here, with the exit code of loom.
    """
    ck, given = i["ck_kernel"], i.get("env", {})
    if ck.work.pop(DEFAULTS, None):
        ck.cfg.pop(QUIET_INSTALL, None)
    place = Path(i.get("params", {}).get("program_path") or Path.cwd().parent)
    command = [str(HERE / "benchloom.sh"), sys.executable, "ck", f"program:{place.name}"]
    command += [f"--work={Path.cwd() / 'loom'}", "--json", f"--cmd_key={i['misc']['cmd_key']}"]
    asked = _asked(sys._getframe(1))  # noqa: SLF001 - ck hands its scripts no flags
    asked.setdefault(RETURNS_FAILURE, "yes")
    try:
        _refuse_command_nobody_chose(i["meta"]["run_cmds"], i["misc"]["cmd_key"], asked)
        _refuse_flags_of_loom(asked, i["meta"].get("inputs", {}))
        words, used = _words(ck, i, asked)
    except LookupError as error:
        return _failed(i, str(error.args[0]), EXIT_INPUT)
    repositories = {str(place.parents[1])}.union(*(_repositories(ck, entry) for entry in used))
    command += [*words, *(f"--repository={path}" for path in sorted(repositories))]
    environ = {**os.environ, **given}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environ, check=False)  # noqa: S603
    if done.returncode:
        return _failed(i, "Benchloom could not prepare the program; see above", done.returncode)
    variables = json.loads(done.stdout)["variables"]
    if i.get("out") == "con" and "LOOM_MODEL" in variables:
        ck.out(_model_that_runs(variables["LOOM_MODEL"]))
    return {"return": 0, "bat": "", "new_env": variables}


def _model_that_runs(file: str) -> str:
    """Return a line that says which model the program gets, by its ``file`` of facts."""
    facts = json.loads(Path(file).read_text(encoding="utf-8"))
    model = facts["model"]
    return f"  Model: {model['name']}, {model['precision']}, {model['format']} ({facts['path']})"


def _failed(i: dict[str, Any], message: str, status: int) -> dict[str, Any]:
    sys.stderr.write(f"\nerror: {message}\n")
    if i.get("out") == "con":
        raise SystemExit(status)
    return {"return": 1, "error": message}


def _refuse_command_nobody_chose(commands: dict[str, Any], key: str, asked: dict[str, Any]) -> None:
    """Raise LookupError if ck took the first of ``commands`` by name: `ck benchmark --quiet` does, whichever is the default."""
    is_first = asked.get("quiet") == "yes" and key == min(commands)
    if is_first and len(commands) > 1 and not (asked.get("cmd_key") or asked.get("choices", {}).get("cmd_key")):
        raise LookupError(f"ck took {key} unasked: choose a command, --cmd_key= of {', '.join(sorted(commands))}")


def _refuse_flags_of_loom(asked: dict[str, Any], inputs: dict[str, Any]) -> None:
    """Raise LookupError for an input written as ``loom`` takes it: ck would ignore it without a word."""
    instead = {name: f"--env.LOOM_INPUT_{name.upper()}={asked.get(name)}" for name in inputs}
    instead["dataset_path"] = f"--env.{DATASET_PATH}={asked.get('dataset_path')}"
    instead["model_path"] = "ck detect soft:ml-model --full_path=FILE --extra_tags=TAGS"
    for name in sorted(instead.keys() & asked.keys()):
        raise LookupError(f"--{name}={asked[name]} is not a flag of ck: write {instead[name]}")


def _words(ck: Any, i: dict[str, Any], asked: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what ck chose and the user ``asked`` for as words for loom, and the environments that they name.

    For roles that ck does not resolve, a registered environment comes first, too. Raises LookupError for a flag that
    names none or several, and where ck took one of several files for a model unasked.
    """
    flags = _flags(asked)
    dataset_path = i.get("env", {}).get(DATASET_PATH, "")
    chosen = {role: dep for role, dep in i["deps"].items() if dep.get("dict") and role != DEFAULTS}
    used = [dep["dict"] for dep in chosen.values()]
    words = [word for role, dep in chosen.items() for word in _chosen(ck, role, dep, asked)]
    words += [f"--dataset_path={dataset_path}"] if dataset_path else []
    is_data_chosen = bool(dataset_path)
    for flag, text in flags.items():
        role = flag.partition(".")[2]
        if role in chosen:
            continue
        uid, entry = _environment(ck, flag, text, i["meta"].get("needs", {}).get(role))
        if not entry:
            words.append(f"--{flag}={text}")
        elif not _is_data(entry):
            words.append(_choice(role, entry))
            words += [f"--model={uid},{entry['package_uoa']},{_file(entry)}"] if _is_own_model(entry) else []
        elif dataset_path:
            raise LookupError(f"--{flag}={text} and --env.{DATASET_PATH}={dataset_path} name two data sets: give one")
        else:
            source = f"--{flag}={text}".replace(",", " ")  # a comma separates the parts of the word
            words.append(f"--dataset={role},{source},{_data(uid, entry)}")
            is_data_chosen = True
        used.append(entry)
    if not is_data_chosen:
        registered = {uid: entry for uid, entry in _environments(ck, []).items() if _is_data(entry)}
        words += [f"--registered={_data(uid, entry)}" for uid, entry in registered.items()]
        used += registered.values()
    return words, used


def _chosen(ck: Any, role: str, dep: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """Return what ck chose for ``role`` as words. Raises LookupError if it took one of several files for a model unasked."""
    entry = dep["dict"]
    if not _is_own_model(entry):
        return [_choice(role, entry)]
    choices = {uid: _load(ck, uid) for uid in dep.get("choices", [])}
    rivals = {
        uid: other
        for uid, other in choices.items()
        if _is_own_model(other) and other["package_uoa"] == entry["package_uoa"]
    }
    if len(rivals) > 1 and not asked.get(f"deps.{role}"):
        raise LookupError(f"role {role}: {_several(role, rivals)}")
    return [_choice(role, entry), f"--model={dep['uoa']},{entry['package_uoa']},{_file(entry)}"]


def _several(role: str, found: dict[str, dict[str, Any]]) -> str:
    listed = ", ".join(f"env:{uid} ({_file(entry)})" for uid, entry in found.items())
    return f"{len(found)} environments have these tags: {listed}; choose one: --deps.{role}={next(iter(found))}"


def _choice(role: str, entry: dict[str, Any]) -> str:
    version = entry.get("setup", {}).get("version", "")
    chosen = [
        entry.get("package_uoa") or entry["soft_uoa"],
        *entry.get("tags", []),
        *([f"@{version}"] if version else []),
    ]
    return f"--choice={role}={','.join(chosen)}"


def _data(uid: str, entry: dict[str, Any]) -> str:
    return f"{uid},{entry['soft_uoa']},{_file(entry)}"


def _flags(asked: dict[str, Any]) -> dict[str, str]:
    """Return ``dep_add_tags.ROLE`` and ``deps.ROLE`` as the user gave them, without those that are empty."""
    tables = {f"dep_add_tags.{role}": tags for role, tags in asked.get("dep_add_tags", {}).items()}
    flags = {**tables, **{key: value for key, value in asked.items() if key.startswith(("dep_add_tags.", "deps."))}}
    return {flag: text for flag, text in flags.items() if text}


def _asked(frame: FrameType | None) -> dict[str, Any]:
    """Return the input of the outermost action of a program."""
    asked: dict[str, Any] = {}
    while frame:
        if frame.f_code.co_filename.endswith(OF_CK_PROGRAM):
            asked = frame.f_locals.get("i", asked)
        frame = frame.f_back
    return asked


def _environment(ck: Any, flag: str, text: str, need: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """Return uid and entry of the environment that ``flag`` means; empty if it means none, or a role that is no ``need``."""
    if flag.startswith("deps."):
        uid = text.rpartition(":")[2]
        entry = _load(ck, uid)
        if not entry:
            raise LookupError(f"--{flag}={text}: no environment is registered by that name")
        return uid, entry
    found = _environments(ck, [need.get("tags", ""), text]) if need else {}
    if len(found) > 1:
        raise LookupError(f"--{flag}={text}: {_several(flag.partition('.')[2], found)}")
    return next(iter(found.items()), ("", {}))


def _environments(ck: Any, tags: list[str]) -> dict[str, dict[str, Any]]:
    """Return the registered environments with all of ``tags``, by uid."""
    wanted = ",".join(tag for tag in tags if tag)
    found = ck.access({"action": "search", "module_uoa": "env", "tags": wanted}).get("lst", [])
    entries = {item["data_uid"]: _load(ck, item["data_uid"]) for item in found}
    return {uid: entry for uid, entry in sorted(entries.items()) if _file(entry)}  # ck makes some before it installs


def _load(ck: Any, uid: str) -> dict[str, Any]:
    entry: dict[str, Any] = ck.access({"action": "load", "module_uoa": "env", "data_uoa": uid}).get("dict", {})
    return entry


def _file(entry: dict[str, Any]) -> str:
    path: str = entry.get("customize", {}).get("full_path", "")
    return path


def _is_data(entry: dict[str, Any]) -> bool:
    """Tell whether an environment is of data that were detected, and neither installed nor a Python library."""
    is_detected = bool(entry.get("soft_uoa")) and Path(_file(entry)).name not in {FACTS, "METADATA"}
    return is_detected and not _is_own_model(entry)


def _is_own_model(entry: dict[str, Any]) -> bool:
    """Tell whether an environment is of a file that the user gave for a model."""
    return entry.get("customize", {}).get("loom_role") == "model" and Path(_file(entry)).name != FACTS


def _repositories(ck: Any, found: dict[str, Any]) -> set[str]:
    """Return the roots of the repositories that hold what was chosen: they need not be loom's."""
    kinds = {"package": found.get("package_uoa"), "soft": found.get("soft_uoa")}
    paths = [ck.access({"action": "find", "module_uoa": kind, "data_uoa": uid}) for kind, uid in kinds.items() if uid]
    return {str(Path(item["path"]).parents[1]) for item in paths if item.get("path")}
