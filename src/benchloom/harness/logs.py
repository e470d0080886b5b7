"""Read LoadGen's detail log and accuracy log; all values come from these logs.

Key names are those of ``mlperf_log_detail.txt`` as LoadGen 6.0 writes it (results.cc).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import ExecutionError
from benchloom.model.record import Performance
from benchloom.rules.figures import figures_of
from benchloom.rules.scenarios import SCENARIOS

_PREFIX = ":::MLLOG "
_PERCENTILE = re.compile(r"result_(\d+\.\d+)_percentile_latency_ns")


class _Metadata(msgspec.Struct):
    is_error: bool = False
    is_warning: bool = False


class _Line(msgspec.Struct):
    key: str
    value: Any
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


@dataclass
class Details:
    """The content of LoadGen's detail log: ``values`` by key (the last of each), and errors and warnings without duplicates."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


class _Answer(msgspec.Struct):
    qsl_idx: int
    data: str


def read_performance(folder: Path, scenario: str, official: str, *, samples: int, seconds: float) -> Performance:
    """Return the measurements of the performance run in ``folder``; ``official`` is the key of the official figure.

    ``samples`` completed in ``seconds`` of wall time give the throughput of MultiStream, which LoadGen does not state.
    Raises ExecutionError if LoadGen left no result.
    """
    details = read_details(folder)
    values, reasons = details.values, _invalid_reasons(details)
    if "result_validity" not in values:
        raise ExecutionError(
            "LoadGen ended without a result", where=str(folder), why=reasons, fix="see mlperf_log_detail.txt"
        )
    throughput = values.get(SCENARIOS[scenario].throughput)
    figures = {row.key: float(values[row.key]) for row in figures_of(scenario) if row.key in values}
    return Performance(
        scenario=scenario,
        valid=values["result_validity"] == "VALID",
        samples_per_second=float(samples / seconds if throughput is None else throughput),
        latency_ns=_latencies(values),
        metric=official,
        value=figures.get(official),
        figures=figures,
        query_count=int(values.get("result_query_count", 0)),
        sample_count=samples,
        invalid_reasons=tuple(reasons),
        min_duration_met=values.get("result_min_duration_met"),
        min_queries_met=values.get("result_min_queries_met"),
        errors=tuple(details.errors),
        warnings=tuple(details.warnings),
    )


def read_details(folder: Path) -> Details:
    """Read LoadGen's detail log in ``folder``. Raises ExecutionError if it cannot be read."""
    path = folder / "mlperf_log_detail.txt"
    found = Details()
    decoder = msgspec.json.Decoder(_Line)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        for item in (decoder.decode(line[len(_PREFIX) :]) for line in lines if line.startswith(_PREFIX)):
            _note(item, found)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise ExecutionError("LoadGen's detail log cannot be read", where=str(path), why=[str(error)]) from error
    return found


def _note(item: _Line, found: Details) -> None:
    found.values[item.key] = item.value
    text = " ".join(str(item.value).split())
    if item.key == "result_invalid_reason" and text:
        found.reasons.append(text)
    elif item.metadata.is_error and text not in found.errors:
        found.errors.append(text)
    elif item.metadata.is_warning and text not in found.warnings:
        found.warnings.append(text)


def _invalid_reasons(details: Details) -> list[str]:
    values, reasons = details.values, [*details.errors, *details.reasons]
    if values.get("early_stopping_met") is False:
        reasons.append(f"early stopping: {' '.join(str(values.get('early_stopping_result', '')).split())}")
    if values.get("result_perf_constraints_met") is False:
        reasons.append("the latency constraint was not met")
    return list(dict.fromkeys(reasons))


def _latencies(values: Mapping[str, Any]) -> dict[str, int]:
    found = {
        f"{name}": int(values[f"result_{name}_latency_ns"])
        for name in ("min", "mean", "max")
        if f"result_{name}_latency_ns" in values
    }
    for key, value in values.items():
        if match := _PERCENTILE.fullmatch(key):
            found[f"p{float(match.group(1)):g}"] = int(value)
    return found


def read_records(folder: Path, size: int = 1) -> dict[int, NDArray[np.float32]]:
    """Return the responses (float32) by QSL index from LoadGen's accuracy log; each consists of whole groups of ``size``.

    The first response of an index counts: LoadGen pads MultiStream's last query with repeated samples.
    Raises ExecutionError if the log cannot be read.
    """
    path = folder / "mlperf_log_accuracy.json"
    try:
        answers = msgspec.json.decode(path.read_bytes(), type=list[_Answer])
    except (OSError, msgspec.MsgspecError) as error:
        raise ExecutionError("LoadGen's accuracy log cannot be read", where=str(path), why=[str(error)]) from error
    found: dict[int, NDArray[np.float32]] = {}
    for answer in answers:
        if answer.qsl_idx not in found:
            found[answer.qsl_idx] = np.frombuffer(bytes.fromhex(answer.data), np.float32)
            if len(found[answer.qsl_idx]) % size:
                raise ExecutionError(f"the response of sample {answer.qsl_idx} is truncated", where=str(path))
    return found


def answers_of_all(records: Mapping[int, NDArray[np.float32]], total: int, folder: Path) -> list[NDArray[np.float32]]:
    """Return the responses of samples 0 to ``total`` - 1. Raises ExecutionError if some are missing."""
    missing = sorted(set(range(total)) - set(records))
    if missing:
        raise ExecutionError(
            f"LoadGen's accuracy log lacks {len(missing)} of {total} samples",
            where=str(folder),
            why=[f"the first is {missing[0]}"],
        )
    return [records[index] for index in range(total)]
