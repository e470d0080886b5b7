"""A record as text for people: what ran, what was measured, whether it is valid, and where to find details."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchloom.base.units import human_bytes, human_seconds
from benchloom.model.plan import Plan
from benchloom.model.record import BUSY, Accuracy, Conditions, Host, Performance, Record, Results, Statistics
from benchloom.report.verdicts import next_steps
from benchloom.rules.figures import FIGURES, Figure
from benchloom.rules.metrics import METRICS, Metric, metric_title
from benchloom.rules.scenarios import PERCENTILE, SCENARIOS, Scenario

PERCENTILES = ("p50", "p90", "p99")
_MODES = {"both": "performance and accuracy"}

Row = tuple[str, str]


def record_text(record: Record, path: Path) -> str:
    """Return ``record``, stored at ``path``, as lines of names and values; no trailing newline."""
    command = f" ({record.plan.command})" if record.plan.command else ""
    rows = [*_outcome(record), *(_measured(record.results, record.plan) if record.results else ())]
    rows.append(("host", host_line(record.host)))
    if record.tags:
        rows.append(("tags", ", ".join(record.tags)))
    places = [("record", str(path)), ("run", record.directory)]
    lines = [f"{record.target}{command}", *_aligned([*rows, *places])]
    if len(record.repetitions) > 1 and record.statistics:
        lines += ["", f"over {len(record.repetitions)} repetitions", *_statistics(record.statistics, record.results)]
    return "\n".join(lines)


def _aligned(rows: list[Row]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:{width}}  {text}" for name, text in rows]


def _outcome(record: Record) -> Iterator[Row]:
    strange: dict[str, list[str]] = {}
    for node in record.plan.nodes:
        if node.repo in record.plan.added_repositories:
            strange.setdefault(node.repo, []).append(node.id)
    yield from (("from", f"repository {repo}: {', '.join(names)}") for repo, names in sorted(strange.items()))
    seconds = sum(item.seconds for item in record.repetitions)
    often = f", {len(record.repetitions)} repetitions" if len(record.repetitions) > 1 else ""
    yield "status", f"{record.status} after {human_seconds(seconds)}{often}, {record.started}"
    for number, item in enumerate(record.repetitions, 1):
        if item.status != "ok":
            how = f"signal {item.signal}" if item.signal else f"exit code {item.exit_code}"
            yield "ended", f"repetition {number}: {item.status}, {how}"
        if item.problem:
            yield "problem", item.problem
        if item.conditions and item.conditions.is_busy:
            yield from _busy(item.conditions, record.host, f"repetition {number}: " if often else "")


def _busy(conditions: Conditions, host: Host, which: str) -> Iterator[Row]:
    yield from (("busy", f"{which}another run was measuring at the same time: {other}") for other in conditions.beside)
    if (conditions.others or 0) >= BUSY:
        cores = f"{host.cores} core{'s' if host.cores != 1 else ''}"
        loads = (conditions.load_before, conditions.load_after)
        load = "" if None in loads else f"; load average {loads[0]:.1f} before, {loads[1]:.1f} after"
        yield "busy", f"{which}other processes used {conditions.others:.0%} of {cores}{load}".replace("%", " %")


def _measured(results: Results, plan: Plan) -> Iterator[Row]:
    samples = results.settings.get("samples")
    yield "model", _chosen(results.model, plan, "model")
    yield "dataset", _chosen(results.dataset, plan, "dataset") + (f", {samples} samples" if samples else "")
    yield "backend", f"{results.backend} {results.versions.get(results.backend, '')}".rstrip()
    yield "scenario", f"{results.scenario}, {_MODES.get(results.mode, results.mode)}"
    if results.accuracy:
        yield "accuracy", accuracy_line(results.accuracy)
    if results.performance:
        yield from _performance(results, results.performance)
        yield from (("do next", step) for step in next_steps(results, plan.target))
    yield from loadgen_messages(results)
    if results.peak_memory_bytes is not None:
        yield "memory", f"{human_bytes(results.peak_memory_bytes)} resident at most"
    yield "ruleset", ruleset_line(results)
    yield from (("blocker", item.text) for item in results.blockers)
    for item in results.user_conf:
        yield "user.conf", f"line {item.line}: {item.key}: {item.setting} {item.old:g} → {item.new:g}"
    for note in results.notes:
        if not note.startswith(f"ruleset {results.ruleset}:"):
            yield "note", note


def loadgen_messages(results: Results) -> Iterator[Row]:
    """Yield the errors and warnings in LoadGen's logs of both runs, each as kind and text."""
    runs = [(name, run) for name, run in (("performance", results.performance), ("accuracy", results.accuracy)) if run]
    yield from (("error", f"LoadGen, {name} run: {text}") for name, run in runs for text in run.errors)
    yield from (("warning", f"LoadGen, {name} run: {text}") for name, run in runs for text in run.warnings)


def _chosen(name: str, plan: Plan, role: str) -> str:
    """The name in the results, with the plan's component and version for ``role`` if they add information."""
    for node in plan.nodes:
        if role in node.roles:
            version = f" @{node.candidate.version}" if node.candidate.version else ""
            given = f", the file {node.candidate.location}" if role == "model" and node.candidate.location else ""
            return f"{name}{version}" if name == node.candidate.component else f"{name} ({node.id}{version}{given})"
    return name


def accuracy_line(accuracy: Accuracy) -> str:
    """Return for instance ``98.67 % top-1 (444 of 450); reference 98.67 %``."""
    if accuracy.value is None:
        return f"none: {accuracy.problem}" if accuracy.problem else "not measured"
    metric = metric_title(accuracy.metric)
    of = (
        f"({accuracy.correct:,} of {accuracy.total:,})"
        if accuracy.correct is not None
        else f"over {accuracy.total:,} images"
    )
    reference = f"; reference {percent(accuracy.reference)}" if accuracy.reference is not None else ""
    return f"{percent(accuracy.value)} {metric} {of}{reference}"


def ruleset_line(results: Results) -> str:
    """Return the ruleset, with a note if the results are not submission-valid."""
    return results.ruleset if results.submission_valid else f"{results.ruleset}: not submission-valid"


def official_text(scenario: str, key: str, value: float, *, short: bool = False) -> str:
    """Return the official figure ``key`` of a scenario, such as ``90th percentile latency 290 µs``, or ``short`` ``290 µs p90``."""
    known = _figure(scenario, key)
    if known is None:
        return ""
    shown = figure_text(known.metric, value)
    return f"{shown} {known.short}".rstrip() if short else f"{known.title} {shown}"


def _figure(scenario: str, key: str) -> Figure | None:
    known = FIGURES.get(key)
    return known if known and known.scenario.name == scenario else None


def figure_text(metric: Metric, value: float) -> str:
    """Return a value of a metric with its unit."""
    return number(value) + f" {metric.unit}" if metric.format == "number" else shown_as(metric)(value)


def shown_as(metric: Metric) -> Callable[[float], str]:
    """Return the function that formats values of a metric."""
    return {"percent": percent, "duration": latency, "number": number}[metric.format]


def has_percentiles(scenario: str) -> bool:
    """Tell whether a scenario has latency percentiles; assumed for an unknown one."""
    return scenario not in SCENARIOS or SCENARIOS[scenario].has_percentiles


def _performance(results: Results, performance: Performance) -> Iterator[Row]:
    scenario = performance.scenario
    if performance.value is not None and (text := official_text(scenario, performance.metric, performance.value)):
        since = FIGURES[performance.metric].since
        yield "official", f"{text} (the figure of rounds since v{since})" if since else text
    counts = f"{performance.query_count:,} {'query' if performance.query_count == 1 else 'queries'}"
    if performance.sample_count != performance.query_count:
        counts += f" of {performance.sample_count:,} samples in all"
    yield "throughput", f"{number(performance.samples_per_second)} samples/s ({counts})"
    shown = [
        f"{name} {latency(performance.latency_ns[name])}" for name in PERCENTILES if name in performance.latency_ns
    ]
    if shown and has_percentiles(scenario):
        yield "latency", "   ".join(shown)
    if target := _scheduled(results.settings, SCENARIOS.get(scenario)):
        yield "target", target
    yield "LoadGen", "VALID" if performance.valid else "INVALID"
    if not performance.valid:
        yield from (("reason", reason) for reason in performance.invalid_reasons if reason not in performance.errors)


def _scheduled(settings: Mapping[str, object], scenario: Scenario | None) -> str:
    """The load of a scenario with a latency bound: its scheduled rate, and the bound that LoadGen checks."""
    if scenario is None or not scenario.bound:
        return ""
    names = (scenario.expected, scenario.bound, scenario.keys[PERCENTILE])
    qps, bound, part = (settings.get(name) for name in names)
    if not (isinstance(qps, (int, float)) and isinstance(bound, (int, float)) and isinstance(part, (int, float))):
        return ""
    return f"{number(qps)} queries/s, {part * 100:g} % of them within {latency(bound)}"


def _statistics(statistics: dict[str, Statistics], results: Results | None) -> list[str]:
    performance = results.performance if results else None
    official = _figure(performance.scenario, performance.metric) if performance else None
    percentiles = PERCENTILES if results is None or has_percentiles(results.scenario) else ()
    names = {
        **{f"accuracy.{name}": ("accuracy", percent) for name, row in METRICS.items() if row.of == "accuracy"},
        **({"performance.value": ("official", shown_as(official.metric))} if official else {}),
        "performance.samples_per_second": ("samples/s", number),
        **{f"performance.latency_ns.{name}": (f"latency {name}", latency) for name in percentiles},
        "peak_memory_bytes": ("memory", _memory),
    }
    heads = ("min", "median", "mean", "max", "stdev")
    table = [["", *heads]]
    for key, (name, show) in names.items():
        if key in statistics:
            table.append([name, *(show(getattr(statistics[key], head)) for head in heads)])
    widths = [max(len(row[column]) for row in table) for column in range(len(heads) + 1)]
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in table
    ]


def _memory(value: float) -> str:
    return human_bytes(round(value))


def host_line(host: Host) -> str:
    """Return a machine in one line; unknown facts are left out."""
    memory = human_bytes(host.memory_bytes) if host.memory_bytes is not None else ""
    cores = f"{host.cores} core{'s' if host.cores != 1 else ''}"
    parts = (host.cpu_model or host.arch, cores, memory, host.os, f"Python {host.python}")
    return ", ".join(part for part in parts if part)


def latency(nanoseconds: float) -> str:
    """Return a latency with three significant digits, in the unit that gives 1 to 999."""
    for unit, size in (("ns", 1), ("µs", 1e3), ("ms", 1e6)):
        if abs(nanoseconds) < 999.5 * size:
            return f"{_three_digits(nanoseconds / size)} {unit}"
    return f"{_three_digits(nanoseconds / 1e9)} s"


def number(value: float) -> str:
    """Return a number with at least three significant digits and thousands separators."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else _three_digits(value)


def _three_digits(value: float) -> str:
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{digits}f}"


def short_ids(ids: Sequence[str]) -> list[str]:
    """Return the initial time of each record id if it is unique, else the id."""
    starts = [item.partition("-")[0] for item in ids]
    return [start if starts.count(start) == 1 and start else whole for start, whole in zip(starts, ids, strict=True)]


def percent(fraction: float) -> str:
    """Return a fraction as a percentage with two digits."""
    return f"{fraction * 100:.2f} %"
