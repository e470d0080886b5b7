"""What every soft entry of this repository does under ck: say where to look, and export what was registered."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FACTS = "loom.json"
MODEL = "model"
ABOVE_ALL = 1000  # where ck chooses among models, by "sort" of their packages otherwise
OWN_FILE = "own-file"  # the tag of a model's file that the user gave: `ck` replaces what has the same tags
# Where ck looks for everything. What this repository needs is looked for where it can be, and where the user says.
EVERYWHERE = frozenset({"/usr", "/opt", "/usr/local/Cellar", os.path.expanduser("~"), os.environ.get("CK_TOOLS", "")})
NOT_FOUND = 16  # ck's own code for it
# The soft entry that ck is looking for, the folders that files were verified to be in, and the models that they were verified to
# be: ck tells no other hook of them.
sought: dict[str, Any] = {}
verified: dict[str, str] = {}
models: dict[str, dict[str, Any]] = {}


def dirs(i: dict[str, Any]) -> dict[str, Any]:
    """Search where the user says, where a distribution lies in the Python that runs ck, and where files are looked for."""
    detect = i["cfg"].get("detect", {})
    name = detect.get("python", {}).get("distribution", "")
    sought.clear()
    asked = sys._getframe(1).f_locals["i"]  # noqa: SLF001 - ck hands its scripts no flags
    sought.update(i["cfg"], path=i["soft_entry_path"], extra_tags=asked.get("extra_tags", ""))
    verified.clear()
    models.clear()
    usual = [*_distribution(name), *(os.path.expanduser(os.path.expandvars(place)) for place in _search(detect))]
    i["dirs"][:] = [place for place in i["dirs"] if place not in EVERYWHERE] + [p for p in usual if os.path.isdir(p)]
    return {"return": 0}


def limit(i: dict[str, Any]) -> dict[str, Any]:
    """Keep, of the files found, the one that is what is looked for: of a folder of data, or METADATA of the newest distribution.

    Without any, ck would ask where it is, and of several which one is meant. Several data sets are refused.
    """
    found = _one_of_each_folder(i["list"]) if _is_data() else [path for path in i["list"] if not _problem(i, path)]
    if _is_data() and len(found) > 1:
        return {"return": 1, "error": f"several were found: {', '.join(found)}; name one of them with --full_path="}
    if _is_library():
        found = sorted(found, key=lambda path: (_numbers(_version(Path(path))), path))[-1:]
    if _names():
        usual = sought["customize"].get("extra_search_dirs_universal", [])
        found = sorted(found, key=lambda path: os.path.dirname(path) in usual)[:1]
    if found:
        return {"return": 0, "list": found}
    return {"return": NOT_FOUND, "error": f"{sought.get('soft_name', 'it')} was not found"}


def version_cmd(i: dict[str, Any]) -> dict[str, Any]:
    """Return the version that a facts file, or the metadata of a distribution, states.

    This is the only hook that ck calls before it removes an earlier registration, so files are verified here.
    """
    prefix = i.get("customize", {}).get("env_prefix")
    is_sought = sought.get("customize", {}).get("env_prefix") == prefix  # else ck has installed it
    if is_sought and (problem := _problem(i, i["full_path"])):
        return {"return": 1, "error": problem}
    caller = sys._getframe(2).f_locals  # noqa: SLF001 - no hook may return tags, and ck tells none who registers
    if "ltags" in caller:
        caller["i"]["quiet"] = "yes"  # what is registered again takes the place of the same, without asking
    if _is_own_model(i.get("customize", {}), i["full_path"]) and "ltags" in caller:
        model = models.get(i["full_path"], {}) if is_sought else {}
        if not (model or caller["i"].get("package_uoa")):
            return {
                "return": 1,
                "error": f"{i['full_path']} states no facts: use ck detect, with --extra_tags= of its model",
            }
        caller["ltags"] += [tag for tag in (*model["tags"], OWN_FILE) if tag not in caller["ltags"]] if model else []
    return {"return": 0, "cmd": "", "version": _version(Path(i["full_path"]))}


def setup(i: dict[str, Any]) -> dict[str, Any]:
    """Export where what was registered lies as ``<PREFIX>``, the file registered as ``<PREFIX>_FILE``.

    The file is ``LOOM_<ROLE>`` too, if it states facts. A version that is not the one found is refused. A model's file that the
    user gave comes before what the same model downloads. What CK's own programs read is exported by their names.
    """
    customize, env = i["customize"], i["env"]
    asked = sys._getframe(1).f_locals["i"]  # noqa: SLF001 - `ck locate` reads it, and no hook may return it
    model = models.get(customize.get("full_path", ""), {})
    path = Path(os.path.abspath(customize.get("full_path", "")))
    customize["full_path"] = str(path)  # a later run is in another folder
    version = _version(path)
    if version and i["version"] and _pieces(i["version"])[: len(_pieces(version))] != _pieces(version):
        return {"return": 1, "error": f"{path} is version {version}, not {i['version']}"}
    env[customize["env_prefix"] + "_FILE"] = str(path)
    if customize.get("loom_role") and path.name == FACTS:
        env["LOOM_" + customize["loom_role"].upper()] = str(path)
    if _is_own_model(customize, str(path)):
        # which ck has on record when it sets it up again
        asked["package_uoa"] = model.get("component") or asked["package_uoa"]
        customize["skip_file_check"] = "yes"  # Benchloom says what to do if the file is gone
    package = _package(i["ck_kernel"], asked.get("package_uoa") or _component(_facts(path)))
    stated, of_ck = package.get("model", {}), customize.get("ck_env", {})
    if customize.get("loom_role") == MODEL:
        is_own = _is_own_model(customize, str(path))
        of_ck = of_ck.get(stated.get("format", ""), {})
        # of several environments, ck takes the default then, as it does of several packages
        customize["sort"] = ABOVE_ALL if is_own else package.get("sort", 0)
        customize["soft_name"] = _title(package) + (", own file" if is_own else "")
        if i["version"] in ("", _model_version(package)):
            customize["version"] = _model_version(package)
            _forget_numbers(sys._getframe(1).f_locals, package)  # noqa: SLF001 - ck tells no hook what it made of a version
    if place := _place(path):
        env[customize["env_prefix"]] = place
        env.update(_of_ck(of_ck, Path(place), stated))
        asked["install_path"] = place if os.path.isdir(place) else os.path.dirname(place)
    return {"return": 0, "bat": ""}


def _package(ck: Any, uoa: str) -> dict[str, Any]:
    """Return the metadata of a package, empty if there is none."""
    found: dict[str, Any] = {}
    return ck.access({"action": "load", "module_uoa": "package", "data_uoa": uoa}).get("dict", found) if uoa else found


def _title(package: dict[str, Any]) -> str:
    """Return which model a package is of, as `ck show env` prints it: name, version if it has one, precision and format."""
    model = package.get("model", {})
    versions = [tag for tag in package.get("tags", []) if re.fullmatch(r"v\d+(\.\d+)+", tag)]
    words = [model.get("name", "model"), *versions[:1], model.get("precision", "")]
    opset = f" opset {model['opset']}" if "opset" in model else ""
    return f"{' '.join(filter(None, words))} ({model.get('format', '')}{opset})"


def _model_version(package: dict[str, Any]) -> str:
    """Return the version of a model in CK's way: ``1.5-opset-11`` of the longest such tag, else its opset; '' if none is stated."""
    versions = [tag[1:] for tag in package.get("tags", []) if re.match(r"v\d", tag)]
    opset = package.get("model", {}).get("opset")
    return max(versions, key=len, default=f"opset-{opset}" if opset else "")


def _forget_numbers(registering: dict[str, Any], package: dict[str, Any]) -> None:
    """Take back what ck made of a model's version that it had on record: tags such as v0.13, which would be opset-13's."""
    numbers = [str(number) for number in registering["sver"]]
    made = {"v" + ".".join(numbers[:end]) for end in range(1, len(numbers) + 1)} - set(package.get("tags", []))
    registering["ltags"][:] = [tag for tag in registering["ltags"] if tag not in made]
    registering["setup"].update(version="", version_split=[])
    registering["sver"].clear()


def _of_ck(table: dict[str, Any], place: Path, model: dict[str, Any]) -> dict[str, str]:
    """Return the variables of ``table``, which CK's own programs read, for what lies at ``place``; not for files that are not there."""
    words = {"path": place, "folder": place if place.is_dir() else place.parent, "name": place.name}
    words |= {key[:-1]: model[key][0]["name"] for key in ("inputs", "outputs") if len(model.get(key, [])) == 1}
    known = {name: text for name, text in table.items() if text.strip("{}") in words or "}/" in text or "{" not in text}
    values = {name: text.format(**words) for name, text in known.items()}
    return {name: value for name, value in values.items() if not os.path.isabs(value) or os.path.exists(value)}


def _problem(i: dict[str, Any], file: str) -> str:
    """Return why ``file`` is not what is looked for, '' if it is."""
    path = Path(file)
    name = sought["customize"].get("soft_file_universal", "")
    if path.name == FACTS:
        return "" if _is_of_soft(i["ck_kernel"], _facts(path)) else f"{file} states no facts of {sought['soft_name']}"
    if _is_library():
        wanted = _plain(sought["detect"]["python"]["distribution"])
        is_it = path.name == name and _plain(path.parent.name.partition("-")[0]) == wanted
        return "" if is_it else f"{file} is not the {name} of {wanted}"
    if _is_data():
        if file not in verified:
            _verify([file])
        return "" if verified[file] else f"{file} does not belong to {sought['soft_name']}; see above"
    if _is_own_model(sought["customize"], file):
        if file not in models:
            models[file] = _model(i["ck_kernel"], file)
        return "" if models[file] else f"{file} is not registered; see above"
    return (
        "" if path.name in {name, *_names()} else f"{file} is not a file named {name}, which {sought['soft_name']} has"
    )


def _is_of_soft(ck: Any, facts: dict[str, Any]) -> bool:
    """Tell whether the package that facts are of registers what is sought."""
    meta = _package(ck, _component(facts))
    soft = ck.access({"action": "find", "module_uoa": "soft", "data_uoa": meta.get("soft_uoa") or "-"})
    return soft.get("path") == sought["path"]


def _one_of_each_folder(files: list[str]) -> list[str]:
    """Return one file of each data set: of its label files and first image, one by which Benchloom knows it."""
    by_folder: dict[tuple[str, str], str] = {}
    for file in sorted(files):
        folder, name = os.path.split(file)
        by_folder.setdefault((folder, name if name.endswith(".txt") else ""), file)
    _verify(list(by_folder.values()))
    places: dict[str, str] = {}
    for file in by_folder.values():
        if verified[file]:
            places.setdefault(verified[file], file)
    return [file for place, file in places.items() if not set(map(str, Path(place).parents)) & set(places)]


def _verify(files: list[str]) -> None:
    """Have Benchloom look at ``files``, and note in which folder each is what is sought, '' if it is not."""
    found = _asked_of_benchloom(files, []) if files else {}
    verified.update({file: found.get(os.path.abspath(file), "") for file in files})


def _model(ck: Any, file: str) -> dict[str, Any]:
    """Return the component and the tags of the one model that --extra_tags says ``file`` is; empty if Benchloom refuses it."""
    packages = ck.access({"action": "search", "module_uoa": "package", "tags": "model", "add_meta": "yes"}).get(
        "lst", []
    )
    softs = {item["meta"].get("soft_uoa", "") for item in packages}
    found = {uoa: ck.access({"action": "find", "module_uoa": "soft", "data_uoa": uoa or "-"}) for uoa in softs}
    ours = [item for item in packages if found[item["meta"].get("soft_uoa", "")].get("path") == sought["path"]]
    repositories = sorted({str(Path(item["path"]).parents[1]) for item in ours})
    words = [f"--repository={path}" for path in repositories]
    return _asked_of_benchloom([file], [f"--tags={sought['extra_tags']}", *words])


def _is_own_model(customize: dict[str, Any], file: str) -> bool:
    """Tell whether ``file`` is registered as a model and states no facts: the user gave it."""
    return customize.get("loom_role") == MODEL and Path(file).name != FACTS


def _asked_of_benchloom(files: list[str], words: list[str]) -> dict[str, Any]:
    """Return what Benchloom says of ``files``; empty if they are not what is sought, and it has said why."""
    soft = Path(sought["path"])
    command = [str(HERE / "benchloom.sh"), sys.executable, "ck", f"soft:{soft.name}", "--json", "--quiet", *words]
    command += [f"--repository={soft.parents[1]}", *(f"--full_path={os.path.abspath(file)}" for file in files)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)  # noqa: S603
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def _place(path: Path) -> str:
    """Return the file or folder that is meant: what facts name, or the folder in which a data set was recognised."""
    if path.name == FACTS:
        return str(_facts(path).get("path", ""))
    place = {os.path.abspath(file): folder for file, folder in verified.items()}.get(str(path))
    return str(path.parents[1]) if path.name == "METADATA" else place or str(path)


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _component(facts: dict[str, Any]) -> str:
    """Return the alias of the component that facts are of."""
    return str(facts.get("component", "")).partition(":")[2]


def _version(path: Path) -> str:
    if path.name == FACTS:
        return str(_facts(path).get("version", ""))
    if path.name == "METADATA":
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line[9:].strip() for line in lines if line.startswith("Version: ")), "")
    return ""


def _pieces(version: str) -> list[str]:
    return re.split(r"[-._+]", version)


def _numbers(version: str) -> list[int]:
    """Return what ck compares of a version."""
    return [int(piece) if piece.isdigit() else 0 for piece in _pieces(version)]


def _names() -> list[str]:
    """Return the names of the program that is looked for, none if it is something else."""
    names: list[str] = sought.get("detect", {}).get("executable", {}).get("names", [])
    return names


def _is_library() -> bool:
    return bool(sought.get("detect", {}).get("python"))


def _is_data() -> bool:
    return bool(sought.get("detect", {}).get("files"))


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
