"""After a program of this repository ran under ck: its results become characteristics, and a failure is told."""

import json
import sys
from pathlib import Path
from typing import Any

EXIT_EXECUTION = 4


def ck_postprocess(i: dict[str, Any]) -> dict[str, Any]:
    """Return accuracy, samples/s and latencies of ``results.json``.

    Without results the program failed. ck ends with 0 even then, so at a terminal the process ends here.
    """
    try:
        results = json.loads(Path("results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"the program failed: it left no results.json ({error})"
        if i.get("out") == "con":
            sys.stderr.write(f"\nerror: {message}\n")
            raise SystemExit(EXIT_EXECUTION) from None
        return {"return": 1, "error": message}
    return {"return": 0, "characteristics": characteristics(results)}


def characteristics(results: dict[str, Any]) -> dict[str, Any]:
    """Return accuracy and performance as flat numbers by name, those that were measured."""
    found: dict[str, Any] = {}
    for block in ("accuracy", "performance"):
        for name, value in (results.get(block) or {}).items():
            if isinstance(value, bool | int | float | dict):
                found[name if name.startswith(block) else f"{block}_{name}"] = value
    return found
