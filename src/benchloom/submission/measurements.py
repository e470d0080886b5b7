"""The measurements of a result: how the system was set up, and where its source lies."""

import re
from pathlib import PurePosixPath

from benchloom.rules.scenarios import OFFLINE, SCENARIOS
from benchloom.submission.context import Result
from benchloom.submission.files import json_object, listing, size, text

_SETTING = re.compile(r"^\s*(\S+)\.(\S+)\.(\w+)\s*=\s*(\S+)")
# Keys of the detail log by keys of user.conf, for settings that are the same number in both.
_EFFECTIVE = {
    "min_duration": "effective_min_duration_ms",
    "min_query_count": "effective_min_query_count",
    "performance_sample_count_override": "effective_performance_sample_count",
    "target_qps": "effective_target_qps",
}
_OF_RATE = frozenset({"target_qps"})


def check_measurements(result: Result) -> None:
    """Check the folder of measurements."""
    notes, folder = result.notes, result.place(result.rules.submission.measurements)
    if notes.judge("measurements-missing", folder, wrong=not (result.root / folder).is_dir()):
        return
    files = listing(result.root / folder).files
    for name in result.rules.submission.measurement_files:
        notes.judge("measurement-file-missing", f"{folder}/{name}", wrong=name not in files)
        if name in files:
            notes.judge("measurement-file-empty", f"{folder}/{name}", wrong=not size(result.root / folder / name))
    name, implementation = _description(result, files)
    if not notes.judge("measurement-json-missing", folder, wrong=not name, system=result.system):
        _check_description(result, f"{folder}/{name}")
        _check_code(result, implementation)
    _check_user_conf(result, f"{folder}/user.conf")


def _description(result: Result, files: tuple[str, ...]) -> tuple[str, str]:
    """The JSON file of the measurements, and the implementation that its name states."""
    if result.rules.submission.measurements_json:
        name = "measurements.json"
        return (name if name in files else ""), ""
    for name in files:
        for ending in (f"_{result.folder}.json", ".json"):
            if name.startswith(result.system) and name.endswith(ending):
                return name, name[len(result.system) + 1 : -len(ending)]
    return "", ""


def _check_description(result: Result, path: str) -> None:
    notes, found = result.notes, json_object(result.root / path)
    notes.judge(
        "measurement-json-unreadable",
        path,
        wrong=found.problem or found.has_bom,
        problem=found.problem or "it begins with a byte order mark",
    )
    fields = result.rules.submission.measurement_fields
    if not found.problem:
        missing = [key for key in fields if key not in found.values]
        notes.judge("measurement-field-missing", path, wrong=missing, fields=", ".join(missing))
        empty = [key for key in fields if key in found.values and not found.values[key]]
        notes.judge("measurement-field-empty", path, wrong=empty, fields=", ".join(empty))


def _check_code(result: Result, implementation: str) -> None:
    base = f"{result.division}/{result.submitter}/{result.rules.submission.code}"
    place = result.root / base / result.model
    line = text(place)
    folder = result.root / base / line.strip() if line is not None and "\0" not in line else place
    exists = (folder / implementation).exists() or folder.exists()
    result.notes.judge("code-missing", f"{base}/{result.model}", wrong=not exists, model=result.model)


def _check_user_conf(result: Result, path: str) -> None:
    """Compare what user.conf sets with what LoadGen had in effect."""
    log, lines = result.performance, text(result.root / path)
    if lines is None or not log.style or result.log_scenario not in SCENARIOS:
        return
    found: dict[str, str] = {}
    for match in filter(None, map(_SETTING.match, lines.splitlines())):
        if match[2] in {"*", result.log_scenario} and match[1] in {"*", result.model, result.benchmark}:
            found[match[3]] = match[4]
    odd = [
        f"{key} {value}, LoadGen had {log.get(_EFFECTIVE[key])}"
        for key, value in found.items()
        if _differs(result, key, value)
    ]
    result.notes.judge("user-conf-differs", str(PurePosixPath(path)), wrong=odd, found="; ".join(odd))


def _differs(result: Result, key: str, value: str) -> bool:
    if key not in _EFFECTIVE or (key in _OF_RATE and not SCENARIOS[result.log_scenario].expects_rate):
        return False
    log = result.performance
    effective = log.number(_EFFECTIVE[key])
    if key == "min_query_count" and result.log_scenario == OFFLINE.name:  # one query has them all
        effective = log.number("effective_min_sample_count")
    try:
        stated = float(value)
        if key == "performance_sample_count_override":
            stated = min(stated, log.number("qsl_reported_total_count") or stated)
        return effective is not None and stated > 0 and abs(stated - effective) > 1e-3 * effective
    except ValueError:
        return False
