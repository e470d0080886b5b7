"""LoadGen's logs of every round, as one mapping: ``:::MLLOG`` lines since v1.0, plain text in v0.5 and v0.7.

Keys are those of the newer detail logs. Of a key that is there several times the first counts, as in MLCommons' log_parser.py.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from benchloom.rules.rulesets import SEEDS
from benchloom.rules.scenarios import MULTI_STREAM, QUERY_SIZE
from benchloom.submission.files import content, text

DETAIL, SUMMARY, ACCURACY_LOG = "mlperf_log_detail.txt", "mlperf_log_summary.txt", "mlperf_log_accuracy.json"
VALIDITY, SCENARIO = "result_validity", "effective_scenario"
_MARK = b":::MLLOG"
# How exactly a summary repeats a figure: rates have two decimals, others six digits.
_DECIMALS, _DIGITS = 0.005 * 1.01, 1e-5
_TEXT_LINE = re.compile(rb'^"pid": \d+')
_SUMMARY_LINE = re.compile(r"^\s*([\w\s.\(\)\/]+)\s*\:\s*([\w\+\.][\w\+\.\s]*)")
_VALID = re.compile(r"^Result\s+is\s*\:\s+(\w+)")
# Keys of the detail log by names in the text summary of v0.5 and v0.7, and for later ones those that repeat the detail log's.
_NAMES = {
    "Scenario": SCENARIO,
    "Mode": "effective_test_mode",
    "performance_sample_count": "effective_performance_sample_count",
    **{setting: f"effective_{setting}" for setting in SEEDS.values()},
    "min_query_count": "effective_min_query_count",
    QUERY_SIZE: "effective_samples_per_query",
    "min_duration (ms)": "effective_min_duration_ms",
    "Samples per second": "result_samples_per_second",
    "90th percentile latency (ns)": "result_90.00_percentile_latency_ns",
    "90.0th percentile latency (ns)": "result_90.00_percentile_latency_ns",
    "99.00 percentile latency (ns)": "result_99.00_percentile_latency_ns",
    "Samples per query": "effective_samples_per_query",
    "Scheduled samples per second": "result_scheduled_samples_per_sec",
    "Completed samples per second": "result_completed_samples_per_sec",
    "QPS w/o loadgen overhead": "result_qps_without_loadgen_overhead",
    "Min duration satisfied": "result_min_duration_met",
    "Min queries satisfied": "result_min_queries_met",
    "Performance constraints satisfied": "result_perf_constraints_met",
}


class _Metadata(msgspec.Struct):
    is_error: bool = False


class _Line(msgspec.Struct):
    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class Log(msgspec.Struct):
    """A run's detail log.

    Attributes:
        path: its file.
        exists: whether there is such a file.
        style: how it is written; '' if no line of it is LoadGen's.
        bad_lines: how many lines have the mark but cannot be read.
        errors: texts that LoadGen logged as errors.
        summary: what the summary beside it states, by the same keys; ``result_validity`` is among them.
        has_summary: whether there is a summary.
    """

    path: Path
    exists: bool
    style: str = ""
    bad_lines: int = 0
    errors: list[str] = []
    summary: dict[str, Any] = {}
    has_summary: bool = False
    raw: dict[str, list[msgspec.Raw]] = {}
    values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """Return the first value of a key; None if it has none."""
        if key not in self.values and key in self.raw:
            self.values[key] = msgspec.json.decode(self.raw[key][0])
        return self.values.get(key)

    @property
    def scenario(self) -> str:
        """The scenario that LoadGen ran; '' if the log does not state it."""
        return str(self.get(SCENARIO) or "")

    def number(self, key: str) -> float | None:
        """Return the first value of a key as a number; None if it is none."""
        found = self.get(key)
        try:
            return None if found is None else float(found)
        except (TypeError, ValueError, OverflowError):
            return None

    def every(self, key: str) -> tuple[Any, ...]:
        """Return all values of a key."""
        return tuple(msgspec.json.decode(item) for item in self.raw.get(key, ()))

    def __contains__(self, key: str) -> bool:
        return key in self.raw or key in self.values


def read_log(folder: Path) -> Log:
    """Read the detail log and the summary in ``folder``, which need not be there."""
    data = content(folder / DETAIL)
    log = Log(path=folder / DETAIL, exists=data is not None)
    summary = text(folder / SUMMARY)
    log.has_summary, log.summary = summary is not None, _summary(summary or "")
    lines = data.split(b"\n") if data else []
    if any(line.startswith(_MARK) for line in lines):
        _read_lines(lines, log)
    elif any(_TEXT_LINE.match(line) for line in lines):
        log.style, log.values = "text", dict(log.summary)
        log.errors = [line.decode("utf-8", "replace") for line in lines if b"ERROR" in line]
    return log


def _read_lines(lines: list[bytes], log: Log) -> None:
    log.style = "mllog"
    decoder = msgspec.json.Decoder(_Line)
    for line in lines:
        if not line.startswith(_MARK):
            continue
        try:
            item = decoder.decode(line[len(_MARK) :])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            log.bad_lines += 1
            continue
        log.raw.setdefault(item.key, []).append(item.value)
        if item.metadata.is_error:
            log.errors.append(" ".join(str(msgspec.json.decode(item.value)).split()))


def _summary(lines: str) -> dict[str, Any]:
    """Values of a summary by key of the detail log; of a name that is there several times the last counts."""
    found: dict[str, Any] = {}
    for line in lines.splitlines():
        if match := _VALID.match(line):
            found[VALIDITY] = match[1]
        elif (match := _SUMMARY_LINE.match(line)) and (key := _NAMES.get(match[1].strip())):
            found[key] = _plain(match[2].strip(), key)
    return found


def _plain(value: str, key: str) -> Any:
    if key == SCENARIO:
        return value.replace(" ", "")
    if value in {"Yes", "NO"}:
        return value == "Yes"
    for type_ in (int, float):
        try:
            return type_(value)
        except ValueError:
            continue
    return value


def same_figures(log: Log) -> Mapping[str, tuple[Any, Any]]:
    """Return what summary and detail log both state and state differently: (detail, summary) by key."""
    if log.style != "mllog":
        return {}
    # A summary of MultiStream has the percentiles of queries, the detail log those of samples.
    skipped = {"result_99.00_percentile_latency_ns"} if log.scenario == MULTI_STREAM.name else set()
    both = {
        key: (log.get(key), value)
        for key, value in log.summary.items()
        if log.get(key) is not None and key not in skipped
    }
    return {key: pair for key, pair in both.items() if not _is_same(*pair)}


def _is_same(detail: Any, summary: Any) -> bool:
    try:
        apart = abs(float(detail) - float(summary))
        return apart <= max(_DECIMALS, _DIGITS * abs(float(detail)))
    except (TypeError, ValueError, OverflowError):
        return str(detail).replace(" ", "") == str(summary).replace(" ", "")
