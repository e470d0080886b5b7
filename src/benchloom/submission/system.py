"""A system description against the fields of the round and its place in the tree."""

from pathlib import Path
from typing import Any

from benchloom.submission.context import Rules
from benchloom.submission.files import json_object
from benchloom.submission.findings import OPEN, Notes


def check_system(notes: Notes, root: Path, path: str, rules: Rules) -> dict[str, Any]:
    """Check ``systems/<name>.json`` and return what it states; nothing if it cannot be read."""
    division, submitter = notes.division, path.split("/")[1]
    if notes.judge("system-missing", path, wrong=not (root / path).is_file()):
        return {}
    found = json_object(root / path)
    if notes.judge("system-unreadable", path, wrong=found.problem, problem=found.problem):
        return {}
    notes.judge("system-bom", path, wrong=found.has_bom)
    facts, known = found.values, rules.submission
    status = str(facts.get("status", ""))
    notes.judge(
        "system-status",
        path,
        wrong=status.lower() not in known.availabilities,
        found=status,
        expected=", ".join(known.availabilities),
    )
    kind = facts.get("system_type")
    notes.judge(
        "system-type", path, wrong=kind not in known.system_types, found=kind, expected=", ".join(known.system_types)
    )
    _check_fields(notes, path, facts, rules)
    named = str(facts.get("submitter", ""))
    notes.judge("system-submitter", path, wrong=named.lower() != submitter.lower(), found=named, expected=submitter)
    stated = facts.get("division")
    notes.judge("system-division", path, wrong=stated != division, found=stated, expected=division)
    return facts


def _check_fields(notes: Notes, path: str, facts: dict[str, Any], rules: Rules) -> None:
    known = rules.submission
    is_network = str(facts.get("is_network", "")).lower() == "true"
    division = notes.division
    if known.network_fields:
        notes.judge(
            "system-network",
            path,
            wrong=division != OPEN and is_network != (division == "network"),
            found=is_network,
            division=division,
        )
    required = (*known.system_fields, *(known.network_fields if is_network else ()))
    missing = [key for key in required if key not in facts]
    notes.judge("system-field-missing", path, wrong=missing, fields=", ".join(missing))
    empty = [key for key in known.system_fields_filled if key in facts and not facts[key]]
    notes.judge("system-field-empty", path, wrong=empty, fields=", ".join(empty))
