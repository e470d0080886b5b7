"""Comparison of records: one line per run, best first on request, and the settings that differ."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchloom.base.units import human_bytes
from benchloom.model.base import Document, SchemaTable, Value
from benchloom.model.record import Record, Results
from benchloom.report.records import (
    PERCENTILES,
    has_percentiles,
    host_line,
    latency,
    loadgen_messages,
    number,
    percent,
    short_ids,
)

Setting = str | int | float | bool | None

# Results of the calibration before each run are not settings of the user.
_SEED = "_seed"
_MEASURED = ("_expected_latency_ns", "_expected_qps")


class ComparedRun(Value, frozen=True, kw_only=True):
    """One record. Figures are medians over its repetitions; None if there are none.

    Attributes:
        id: the record's id.
        path: the record's file.
        program: reference of the program.
        status: how the run ended.
        started: when the run began: UTC, ISO 8601.
        repetitions: number of executions.
        model: name of the model.
        precision: the model's, such as fp32 or int8.
        dataset: name of the data set.
        backend: name of the backend.
        backend_version: its version.
        scenario: LoadGen's scenario.
        mode: performance, accuracy or both.
        ruleset: name of the ruleset.
        accuracy: top-1 or mAP as a fraction, 0 to 1.
        reference: the model's published accuracy.
        difference: accuracy less reference.
        samples_per_second: throughput.
        latency_p50_ns: 50th percentile of the latency.
        latency_p90_ns: 90th percentile of the latency.
        latency_p99_ns: 99th percentile of the latency.
        valid: LoadGen's verdict on the performance run.
        loadgen_errors: errors in LoadGen's logs of both runs.
        loadgen_warnings: warnings in these logs.
        submission_valid: whether the ruleset allows its submission.
        peak_memory_bytes: largest resident memory of the program.
        host: the machine in one line.
        settings: the settings of the run, with the number of samples.
        busy: whether the machine was busy with other work at the same time.
        tags: tags of the record.
    """

    id: str
    path: str
    program: str
    status: str
    started: str
    repetitions: int
    model: str = ""
    precision: str = ""
    dataset: str = ""
    backend: str = ""
    backend_version: str = ""
    scenario: str = ""
    mode: str = ""
    ruleset: str = ""
    accuracy: float | None = None
    reference: float | None = None
    difference: float | None = None
    samples_per_second: float | None = None
    latency_p50_ns: float | None = None
    latency_p90_ns: float | None = None
    latency_p99_ns: float | None = None
    valid: bool | None = None
    loadgen_errors: tuple[str, ...] = ()
    loadgen_warnings: tuple[str, ...] = ()
    submission_valid: bool | None = None
    peak_memory_bytes: int | None = None
    host: str = ""
    settings: dict[str, Setting] = {}
    busy: bool = False
    tags: tuple[str, ...] = ()


class Comparison(Document, frozen=True, kw_only=True):
    """Runs side by side.

    Attributes:
        runs: in the order in which they were named.
        differing: names of settings that are not the same in all runs that have them.
    """

    runs: tuple[ComparedRun, ...]
    differing: tuple[str, ...] = ()


SCHEMAS: SchemaTable = {"comparison": (Comparison, "loom compare --json")}


# name: (sort key, whether the largest comes first); runs without a value come last
ORDERS: dict[str, tuple[Callable[[ComparedRun], str | float | None], bool]] = {
    "started": (lambda run: run.started, False),
    "program": (lambda run: run.program, False),
    "model": (lambda run: f"{run.model} {run.precision}", False),
    "accuracy": (lambda run: run.accuracy, True),
    "difference": (lambda run: run.difference, True),
    "throughput": (lambda run: run.samples_per_second, True),
    "p50": (lambda run: run.latency_p50_ns, False),
    "p90": (lambda run: run.latency_p90_ns, False),
    "p99": (lambda run: run.latency_p99_ns, False),
    "memory": (lambda run: run.peak_memory_bytes, False),
}


def compare(records: Sequence[tuple[Record, Path]], order: str = "started") -> Comparison:
    """Compare records, each with its file, in one of the ORDERS."""
    runs = _ordered([_run(record, path) for record, path in records], order)
    return Comparison(runs=tuple(runs), differing=_differing(runs))


def _ordered(runs: Sequence[ComparedRun], order: str) -> list[ComparedRun]:
    value, largest_first = ORDERS[order]
    known = sorted((run for run in runs if value(run) is not None), key=value, reverse=largest_first)  # type: ignore[arg-type]
    return [*known, *(run for run in runs if value(run) is None)]


def _run(record: Record, path: Path) -> ComparedRun:
    run = ComparedRun(
        id=record.id,
        path=str(path),
        program=record.target,
        status=record.status,
        started=record.started,
        repetitions=len(record.repetitions),
        host=host_line(record.host),
        tags=record.tags,
        busy=any(item.conditions is not None and item.conditions.is_busy for item in record.repetitions),
    )
    return run if record.results is None else _measured(_described(run, record.results), record, record.results)


def _described(run: ComparedRun, results: Results) -> ComparedRun:
    return msgspec.structs.replace(
        run,
        model=results.model,
        precision=results.precision,
        dataset=results.dataset,
        backend=results.backend,
        backend_version=results.versions.get(results.backend, ""),
        scenario=results.scenario,
        mode=results.mode,
        ruleset=results.ruleset,
        submission_valid=results.submission_valid,
        peak_memory_bytes=results.peak_memory_bytes,
        settings=dict(results.settings),
    )


def _measured(run: ComparedRun, record: Record, results: Results) -> ComparedRun:
    found, messages = results.accuracy, list(loadgen_messages(results))
    accuracy = _figure(record, f"accuracy.{found.metric}", found.value) if found else None
    reference = found.reference if found else None
    run = msgspec.structs.replace(
        run,
        accuracy=accuracy,
        reference=reference,
        difference=None if accuracy is None or reference is None else accuracy - reference,
        loadgen_errors=tuple(text for kind, text in messages if kind == "error"),
        loadgen_warnings=tuple(text for kind, text in messages if kind == "warning"),
    )
    performance = results.performance
    if performance is None:
        return run
    p50, p90, p99 = (
        _figure(record, f"performance.latency_ns.{name}", performance.latency_ns.get(name)) for name in PERCENTILES
    )
    return msgspec.structs.replace(
        run,
        samples_per_second=_figure(record, "performance.samples_per_second", performance.samples_per_second),
        latency_p50_ns=p50,
        latency_p90_ns=p90,
        latency_p99_ns=p99,
        valid=performance.valid,
    )


def _figure(record: Record, name: str, last: float | None) -> float | None:
    """The median over repetitions if there are several, else the only value."""
    return record.statistics[name].median if name in record.statistics else last


def _differing(runs: Sequence[ComparedRun]) -> tuple[str, ...]:
    names = {name for run in runs for name in _all_settings(run) if not name.endswith(_MEASURED)}
    values = {name: {_all_settings(run)[name] for run in runs if name in _all_settings(run)} for name in sorted(names)}
    return tuple(name for name, found in values.items() if len(found) > 1)


def _all_settings(run: ComparedRun) -> dict[str, Setting]:
    """The settings of a run, with data set and ruleset if it has results."""
    return {"dataset": run.dataset, "ruleset": run.ruleset, **run.settings} if run.scenario else {}


# Properties of a run by header; a column if they differ between runs.
_DESCRIBED: dict[str, Callable[[ComparedRun], str]] = {
    "program": lambda run: run.program.rpartition(":")[2],
    "model": lambda run: run.model,
    "precision": lambda run: run.precision,
    "backend": lambda run: f"{run.backend} {run.backend_version}".strip(),
    "scenario": lambda run: run.scenario,
    "mode": lambda run: run.mode or run.status,
    "host": lambda run: run.host,
}
# Measurements by header; a column if any run has a value.
_MEASURED_FIGURES: dict[str, Callable[[ComparedRun], str]] = {
    "accuracy": lambda run: _shown(run.accuracy, percent),
    "to reference": lambda run: _shown(run.difference, lambda value: f"{round(value * 100, 2) + 0.0:+.2f} points"),
    "samples/s": lambda run: _shown(run.samples_per_second, number),
    "p50": lambda run: _percentile(run, run.latency_p50_ns),
    "p90": lambda run: _percentile(run, run.latency_p90_ns),
    "p99": lambda run: _percentile(run, run.latency_p99_ns),
    "memory": lambda run: "" if run.peak_memory_bytes is None else human_bytes(run.peak_memory_bytes),
    "LoadGen": lambda run: _verdict(run),  # noqa: PLW0108 - defined below,
}


def comparison_rows(comparison: Comparison, *, everything: bool = False, short: bool = False) -> list[tuple[str, ...]]:
    """Return the header and a row of cells per run: properties that differ, and measurements.

    ``everything`` includes what is the same in all runs, and the seeds. ``short`` shortens ids to their initial time if
    that is unambiguous; every verb accepts a prefix of an id.
    """
    runs = comparison.runs
    names = short_ids([run.id for run in runs]) if short else [run.id for run in runs]
    settings = _settings_cells(comparison, everything=everything)
    columns = [
        ("record", names),
        *((head, cells) for head, cells in _columns(runs, _DESCRIBED) if everything or len(set(cells)) > 1),
        *((head, cells) for head, cells in _columns(runs, _MEASURED_FIGURES) if everything or any(cells)),
        *([("settings", settings)] if any(settings) else []),
    ]
    heads = tuple(head for head, _ in columns)
    return [heads, *(tuple(cell or "-" for cell in row) for row in zip(*(cells for _, cells in columns), strict=True))]


def _columns(
    runs: Sequence[ComparedRun], table: dict[str, Callable[[ComparedRun], str]]
) -> Iterator[tuple[str, list[str]]]:
    return ((head, [show(run) for run in runs]) for head, show in table.items())


def _settings_cells(comparison: Comparison, *, everything: bool) -> list[str]:
    names = [name for name in comparison.differing if everything or not name.endswith(_SEED)]
    shown = [_all_settings(run) for run in comparison.runs]
    return [" ".join(f"{name}={item[name]}" for name in names if name in item) for item in shown]


def shared_lines(comparison: Comparison) -> list[str]:
    """Return lines on what all runs have in common: shared properties, and the machine."""
    same = {
        head: cells[0] for head, cells in _columns(comparison.runs, _DESCRIBED) if len(set(cells)) == 1 and cells[0]
    }
    host = same.pop("host", "")
    about = ", ".join(f"{head} {text}" for head, text in same.items())
    return [*([f"all: {about}"] if about else []), *([f"host: {host}"] if host else [])]


def message_lines(comparison: Comparison) -> list[str]:
    """Return LoadGen's logged errors and warnings, one per line with the record."""
    return [
        f"{run.id}: {kind}: {text}"
        for run in comparison.runs
        for kind, texts in (("error", run.loadgen_errors), ("warning", run.loadgen_warnings))
        for text in texts
    ]


def _percentile(run: ComparedRun, nanoseconds: float | None) -> str:
    """A latency of the run, if its scenario has percentiles."""
    return _shown(nanoseconds, latency) if has_percentiles(run.scenario) else ""


def _verdict(run: ComparedRun) -> str:
    verdict = [] if run.valid is None else ["VALID" if run.valid else "INVALID"]
    for name, texts in (("error", run.loadgen_errors), ("warning", run.loadgen_warnings)):
        if texts:
            verdict.append(f"{len(texts)} {name}{'s' if len(texts) > 1 else ''}")
    if run.busy:
        verdict.append("busy")
    return ", ".join(verdict)


def _shown(value: float | None, show: Callable[[float], str]) -> str:
    return "" if value is None else show(value)
