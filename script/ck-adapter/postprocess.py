"""After a program of this repository ran under ck: its results become characteristics, and a failure is told."""

import json
import sys
from pathlib import Path
from typing import Any

EXIT_EXECUTION = 4
SUMMARY = ("mlperf_log_summary.txt", "mlperf_log_detail.txt")
ACCURACY = "mlperf_log_accuracy.json"
ACCURACY_TEXT = "accuracy.txt"


def ck_postprocess(i: dict[str, Any]) -> dict[str, Any]:
    """Return accuracy, samples/s and latencies of ``results.json``.

    Without results the program failed. ck ends with 0 even then, so at a terminal the process ends here.
    """
    for name in (*SUMMARY, ACCURACY, ACCURACY_TEXT):
        Path(name).unlink(missing_ok=True)  # an earlier run left it
    try:
        results = json.loads(Path("results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"the program failed: it left no results.json ({error})"
        sys.stderr.write(f"\nerror: {message}\n")
        if i.get("out") == "con":
            raise SystemExit(EXIT_EXECUTION) from None
        return {"return": 1, "error": message}
    put_logs_here(results)
    return {"return": 0, "characteristics": characteristics(results)}


def put_logs_here(results: dict[str, Any]) -> None:
    """Link LoadGen's logs into the working directory, and write accuracy.txt, where CK's documents look for them.

    The summary is that of the performance run, if there was one.
    """
    accuracy, performance = results.get("accuracy"), results.get("performance")
    of_summary = "performance" if performance else "accuracy"
    wanted = {name: Path(of_summary, name) for name in SUMMARY} | (
        {ACCURACY: Path("accuracy", ACCURACY)} if accuracy else {}
    )
    for name, log in wanted.items():
        if log.is_file():
            Path(name).symlink_to(log)
    if accuracy:
        Path(ACCURACY_TEXT).write_text(accuracy_line(accuracy) + "\n", encoding="utf-8")


def accuracy_line(accuracy: dict[str, Any]) -> str:
    """Return the accuracy in the words of MLPerf's accuracy scripts, in %."""
    if accuracy.get("top1") is not None:
        return f"accuracy={accuracy['top1'] * 100:.3f}%, good={accuracy['correct']}, total={accuracy['total']}"
    if accuracy.get("mean_average_precision") is not None:
        return f"mAP={accuracy['mean_average_precision'] * 100:.3f}%"
    return accuracy.get("problem") or "no accuracy"


def characteristics(results: dict[str, Any]) -> dict[str, Any]:
    """Return accuracy and performance as flat numbers by name, those that were measured."""
    found: dict[str, Any] = {}
    for block in ("accuracy", "performance"):
        for name, value in (results.get(block) or {}).items():
            if isinstance(value, bool | int | float | dict):
                found[name if name.startswith(block) else f"{block}_{name}"] = value
    return found
