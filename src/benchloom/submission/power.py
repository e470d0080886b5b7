"""The power logs of a result: whether they are complete, and the mean power while LoadGen measured."""

from collections.abc import Iterator
from datetime import datetime

from benchloom.submission.context import Result
from benchloom.submission.files import json_object, listing, text
from benchloom.submission.logs import ACCURACY_LOG, DETAIL, SUMMARY
from benchloom.submission.performance import IGNORED

POWER_FILES = {"client.json", "client.log", "ptd_logs.txt", "server.json", "server.log"}
_SAMPLES = "spl.txt"


def check_power(result: Result) -> float | None:
    """Check the power logs, and return the mean power in watts; None if it cannot be computed."""
    notes, base = result.notes, f"{result.path}/performance"
    for name, required in (("ranging", {SUMMARY, DETAIL, _SAMPLES}), ("power", POWER_FILES)):
        files = set(listing(result.root / base / name).files)
        odd = (files ^ required) - IGNORED - {ACCURACY_LOG}
        notes.judge("power-files", f"{base}/{name}", wrong=odd, files=", ".join(sorted(odd)))
    path = f"{result.performance_path}/{_SAMPLES}"
    watts = list(_watts(result, path))
    notes.judge("power-samples-missing", path, wrong=not watts)
    return sum(watts) / len(watts) if watts else None


def _watts(result: Result, path: str) -> Iterator[float]:
    """Yield the samples between LoadGen's begin and end of the measurement, whose times are in the client's zone."""
    begin, end = (_time(str(result.performance.get(key) or "")) for key in ("power_begin", "power_end"))
    if begin is None or end is None:
        return
    client, server = (
        json_object(result.root / result.path / "performance" / "power" / f"{name}.json").values.get("timezone", 0)
        for name in ("client", "server")
    )
    has_zones = result.rules.submission.power_zones
    shift = (
        (client - server) if has_zones and isinstance(client, (int, float)) and isinstance(server, (int, float)) else 0
    )
    for line in (text(result.root / path) or "").splitlines():
        cells = line.split(",")
        moment = _time(cells[1]) if len(cells) > 3 else None
        if moment is not None and (begin.timestamp() + shift) < moment.timestamp() < (end.timestamp() + shift):
            try:
                yield float(cells[3])
            except ValueError:
                continue


def _time(words: str) -> datetime | None:
    """The moment of ``MM-DD-YYYY HH:MM:SS.mmm``, which has no zone; strptime would take most of the time of a check."""
    try:
        return datetime.fromisoformat(f"{words[6:10]}-{words[:5]}T{words[11:]}")
    except ValueError:
        return None
