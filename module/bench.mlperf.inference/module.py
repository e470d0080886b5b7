"""What CK's pages ask of bench.mlperf.inference: the page of recorded points; the rest is answered with the command to use instead.

Without this module, `ck` would ask its portal for one.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

cfg: dict[str, Any] = {}
work: dict[str, Any] = {}
ck: Any = None

START = Path(__file__).resolve().parents[2] / "script" / "ck-adapter" / "benchloom.sh"
MOST = 500  # points on the page, the newest
LIMIT = 60  # seconds that loom may take to list its records
ALL = "mlperf.inference.all"
HEAD = ("Started", "Made by", "Program", "Scenario or command", "Samples/s", "LoadGen", "Accuracy", "Tags")
ONE_BENCHMARK = "ck benchmark program:image-classification-onnx --quiet --env.LOOM_INPUT_SCENARIO=Offline --record"
Row = tuple[str, ...]


def init(_: dict[str, Any]) -> dict[str, Any]:
    """Prepare nothing."""
    return {"return": 0}


def run(_: dict[str, Any]) -> dict[str, Any]:
    """Make a submission; not there yet.

    Input: {
      Nothing is made yet; one benchmark is: ck benchmark program:image-classification-onnx --quiet --record

      (framework) - onnx, tensorflow, pytorch, tflite or openvino
      (model)     - resnet50, mobilenet, ssd-mobilenet or ssd-resnet34
      (scenario)  - offline, server, singlestream or multistream
      (mode)      - prereq, accuracy or performance
    }
    """
    return _not_there("run", f"run one benchmark with: {ONE_BENCHMARK}")


def import_results(_: dict[str, Any]) -> dict[str, Any]:
    """Import published results; not there yet."""
    return _not_there(
        "import", "your own are recorded by: ck benchmark program:… --record, and shown by: ck display dashboard"
    )


def filter_points(_: dict[str, Any]) -> dict[str, Any]:
    """Choose points on a Pareto front; not there yet."""
    return _not_there("filter", "compare runs with: loom compare")


def pack(_: dict[str, Any]) -> dict[str, Any]:
    """Pack a submission; not there yet."""
    return _not_there("zip", "pack recorded points with: ck zip experiment:*")


def show_points(i: dict[str, Any]) -> dict[str, Any]:
    """Return ``html``, a table of the newest recorded points of `ck` and loom; for wfe:result, which `ck display dashboard` opens."""
    rows = sorted([*_of_ck(), *_of_loom()], reverse=True)
    asked = i.get("cfg", "") or ALL
    notes = [] if asked == ALL else [f"There is no configuration {asked}: these are all points."]
    if len(rows) > MOST:
        notes.append(f"These are the newest {MOST} of {len(rows)} points.")
    if not rows:
        notes.append(f"Nothing is recorded yet. To record a point: {ONE_BENCHMARK}")
    lines = [f"<p>{escape(note)}</p>" for note in notes]
    cells = [_line(row, "td") for row in rows[:MOST]]
    return {"return": 0, "html": "\n".join([*lines, "<table>", _line(HEAD, "th"), *cells, "</table>"])}


def _line(row: Row, tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>"


def _of_loom() -> Iterator[Row]:
    """Yield a row for each record of loom."""
    command = [str(START), sys.executable, "record", "ls", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)  # noqa: S603
    for item in json.loads(done.stdout or "[]"):
        yield (
            _text(item["started"]),
            "loom",
            _text(item["target"]),
            _text(item.get("scenario")),
            _text(item.get("samples_per_second")),
            _verdict(item.get("valid")),
            _text(item.get("accuracy")),
            _text(", ".join(item.get("tags", ()))),
        )


def _of_ck() -> Iterator[Row]:
    """Yield a row for each point that `ck benchmark --record` left, of what its last repetition measured."""
    found = ck.access({"action": "search", "module_uoa": "experiment", "add_meta": "yes", "add_info": "yes"})
    for entry in found.get("lst", ()):
        started = _table(_table(entry.get("info")).get("control")).get("iso_datetime", "")
        for file in sorted(Path(entry["path"]).glob("ckp-*.0001.json")):
            yield _point(started, entry, _read(file))


def _point(started: str, entry: dict[str, Any], point: dict[str, Any]) -> Row:
    choices = _table(point.get("choices"))
    repetitions = point.get("characteristics_list")
    measured = _table(_table(repetitions[-1]).get("run")) if isinstance(repetitions, list) and repetitions else {}
    accuracy = measured.get("accuracy_top1", measured.get("accuracy_mean_average_precision"))
    return (
        _text(started),
        "ck",
        _text(choices.get("data_uoa")),
        _text(_table(choices.get("env")).get("LOOM_INPUT_SCENARIO") or choices.get("cmd_key")),
        _text(measured.get("performance_samples_per_second")),
        _verdict(measured.get("performance_valid")),
        _text(accuracy),
        _text(", ".join(map(str, _table(entry.get("meta")).get("tags", ())))),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return _table(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _table(value: Any) -> dict[str, Any]:
    """Return ``value`` if it is a table: files of points may hold anything."""
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _verdict(is_valid: Any) -> str:
    return "" if is_valid is None else "VALID" if is_valid else "INVALID"


def _not_there(action: str, instead: str) -> dict[str, Any]:
    return {"return": 1, "error": f"'ck {action} bench.mlperf.inference' is not there; {instead}"}
