"""A tuning for people: a table of its probes, a text plot, and how to use the best settings."""

from collections.abc import Callable, Iterator, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from benchloom.model.base import Value
from benchloom.model.tuning import Probe, Tuning, TuningPoint
from benchloom.report.records import figure_text, has_percentiles, latency, number
from benchloom.rules.scenarios import AXES, SCENARIOS

if TYPE_CHECKING:
    import plotille

_NAMES = {"batch_size": "batch", "threads": "threads", "instances": "instances", "target_qps": "target QPS"}
_HEADS = ("scenario", "seconds", "figure", "p99", "LoadGen", "runs", "reason")
_MARKS = "ox*+"  # markers of the series of a plot, which also limit their number
_STEP = 10  # columns between two ticks of plotille
_HEIGHT = 12
_REASON = 60  # characters; the record has the whole text
_BRAILLE = {code: "." if code > 0x2800 else " " for code in range(0x2800, 0x2900)}
_ASCII = {**_BRAILLE, ord("µ"): "u", ord("…"): "..."}


class Line(Value, frozen=True, kw_only=True):
    """The measurement of one tuning point: its longest run, and the number of runs of that length."""

    probe: Probe
    times: int
    is_valid: bool


def plain(text: str) -> str:
    """Return ``text`` in ASCII, with dots for the lines of a plot."""
    return text.translate(_ASCII)


def probe_line(probe: Probe) -> str:
    """Return a probe in one line."""
    what = f"{settings_text(probe.settings)} ({probe.scenario})"
    if probe.status == "failed":
        return f"{what}: failed: {probe.reasons[0] if probe.reasons else 'no reason given'}"
    parts = [_figure(probe, probe.scenario)]
    search = SCENARIOS[probe.scenario].search
    if search.sieve and probe.latency_p99_ns is not None:
        parts.append(f"{search.percentile} {latency(probe.latency_p99_ns)}")
    return f"{what}: {', '.join([*parts, 'VALID' if probe.valid else 'INVALID'])}, after {probe.seconds:.1f} s"


def settings_text(settings: TuningPoint) -> str:
    """Return for instance ``batch 8, threads 1, instances 2``; the target of Server is left out, since it is the figure."""
    return (
        ", ".join(f"{_NAMES[name]} {value}" for name, value in _given(settings) if name != "target_qps")
        or "default settings"
    )


def _given(settings: TuningPoint) -> list[tuple[str, float]]:
    values = [(name, getattr(settings, name)) for name in _NAMES]
    return [(name, value) for name, value in values if value is not None]


def _figure(probe: Probe, scenario: str) -> str:
    if probe.figure is None:
        return "-"
    search = SCENARIOS[scenario].search
    shown = figure_text(search.metric, probe.figure)
    return f"{search.percentile} {shown}" if search.metric.format == "duration" else shown


def tuning_lines(tuning: Tuning) -> tuple[Line, ...]:
    """Return a line per tuning point: valid ones first, best first; then the screening runs."""
    groups: dict[tuple[str, TuningPoint], list[Probe]] = {}
    for probe in tuning.probes:
        groups.setdefault((probe.scenario, probe.settings), []).append(probe)
    lines = [_line(group) for group in groups.values()]
    sign = -1 if tuning.better == "more" else 1
    return tuple(
        sorted(
            lines,
            key=lambda line: (
                line.probe.scenario != tuning.scenario,
                line.probe != tuning.best and not line.is_valid,
                -(line.probe.duration or 0.0),
                sign * (line.probe.figure or 0.0),
            ),
        )
    )


def _line(probes: Sequence[Probe]) -> Line:
    longest = max(probe.duration or 0.0 for probe in probes)
    counted = [probe for probe in probes if (probe.duration or 0.0) == longest]
    shown = next((probe for probe in counted if not probe.valid), counted[-1])
    return Line(probe=shown, times=len(counted), is_valid=shown.valid)


def tuning_rows(tuning: Tuning) -> list[tuple[str, ...]]:
    """Return the header and a row of cells for each line of ``tuning_lines``; empty columns are left out."""
    lines = tuning_lines(tuning)
    names = [name for name in _NAMES if any(getattr(line.probe.settings, name) is not None for line in lines)]
    heads = (*(_NAMES[name] for name in names), *_HEADS)
    columns = list(zip(heads, *(_cells(line, names) for line in lines), strict=True))
    return list(zip(*(column for column in columns if set(column[1:]) - {"", "-"}), strict=True))


def _cells(line: Line, names: Sequence[str]) -> tuple[str, ...]:
    probe = line.probe
    values = [(name, getattr(probe.settings, name)) for name in names]
    settings = [
        "-" if value is None else number(value) if name == "target_qps" else str(value) for name, value in values
    ]
    verdict = "failed" if probe.status == "failed" else "VALID" if line.is_valid else "INVALID"
    return (
        *settings,
        probe.scenario,
        "-" if probe.duration is None else f"{probe.duration:g}",
        _figure(probe, probe.scenario),
        "-" if probe.latency_p99_ns is None or not has_percentiles(probe.scenario) else latency(probe.latency_p99_ns),
        verdict,
        str(line.times),
        shorten(probe.reasons[0], _REASON, placeholder=" …") if probe.reasons and verdict != "VALID" else "",
    )


def unsteady(tuning: Tuning) -> tuple[str, ...]:
    """Return the settings, with their figures, that were both VALID and INVALID in runs of the same length."""
    verdicts: dict[tuple[str, TuningPoint, float | None], set[bool]] = {}
    for probe in tuning.probes:
        verdicts.setdefault((probe.scenario, probe.settings, probe.duration), set()).add(probe.valid)
    names = [settings for (_, settings, _), found in verdicts.items() if len(found) > 1]
    return tuple(f"{settings_text(item)} at {number(item.target_qps or 0.0)} queries/s" for item in names)


def verdict_lines(tuning: Tuning) -> Iterator[str]:
    """Yield the result, and the commands that use it."""
    best = tuning.best
    if best is None:
        return
    sure = "" if tuning.confirmed else "; not confirmed yet"
    often = SCENARIOS[tuning.scenario].search.confirmations
    twice = ", VALID in two runs" if often > 1 and tuning.confirmed else ""
    yield f"best: {settings_text(best.settings)}: {_figure(best, tuning.scenario)}{twice}{sure}"
    if tuning.latency_bound_ns is not None and best.latency_p99_ns is not None:
        yield f"its latency p99 is {latency(best.latency_p99_ns)}, the bound {latency(tuning.latency_bound_ns)}"
    yield f"user.conf: {tuning.user_conf}"
    yield f"lock: {tuning.lock}"
    yield "to run with them:"
    yield from (f"  {command}" for command in tuning.commands)


def plot(tuning: Tuning) -> str:
    """Return the measurements as a text plot; empty if the axis has fewer than two values.

    For Server the latency over the target QPS, with the best settings; else the figure over the batch size, or over the
    threads if the batch size is constant, with a line for each of the best combinations of the other settings.
    """
    lines = [line for line in tuning_lines(tuning) if line.probe.scenario == tuning.scenario]
    if SCENARIOS[tuning.scenario].search.sieve:
        return _plot_targets(tuning, [line.probe for line in lines])
    return _plot_grid(tuning, [line.probe for line in lines if line.is_valid])


def _plot_grid(tuning: Tuning, probes: Sequence[Probe]) -> str:
    axis = max(AXES, key=lambda name: len(_places(probes, name)))
    places = _places(probes, axis)
    if len(places) < 2:
        return ""
    room = 2  # columns on the right, for the last marker
    figure = _canvas(
        (len(places) - 1) * _STEP + room, _NAMES[axis], tuning.figure if tuning.unit == "ns" else tuning.unit
    )
    figure.set_x_limits(0, len(places) - 1 + room / _STEP)
    top = max(probe.figure or 0.0 for probe in probes)
    figure.set_y_limits(0, top * 1.1)
    figure.x_ticks_fkt = _ticks(lambda value: str(places[min(round(value), len(places) - 1)]))
    figure.y_ticks_fkt = _ticks(_from_zero(latency if tuning.unit == "ns" else number))
    for mark, (name, group) in zip(_MARKS, _series(probes, axis).items(), strict=False):
        points = sorted((places.index(getattr(probe.settings, axis)), probe.figure or 0.0) for probe in group)
        figure.plot([x for x, _ in points], [y for _, y in points], label=name or tuning.figure, marker=mark)
    return _drawn(figure)


def _places(probes: Sequence[Probe], axis: str) -> list[int]:
    return sorted({getattr(probe.settings, axis) for probe in probes} - {None})


def _series(probes: Sequence[Probe], axis: str) -> dict[str, list[Probe]]:
    """Probes, best first, grouped by their settings other than ``axis``; the group with the best probe comes first."""
    found: dict[str, list[Probe]] = {}
    for probe in probes:
        rest = ", ".join(f"{_NAMES[name]} {value}" for name, value in _given(probe.settings) if name != axis)
        found.setdefault(rest, []).append(probe)
    return found


def _plot_targets(tuning: Tuning, probes: Sequence[Probe]) -> str:
    best = tuning.best
    if best is None:
        return ""
    points = {
        probe.settings.target_qps or 0.0: (probe.latency_p99_ns, probe.valid)
        for probe in probes
        if _rest(probe.settings) == _rest(best.settings) and probe.latency_p99_ns is not None
    }
    if len(points) < 2:
        return ""
    bound = tuning.latency_bound_ns or 0
    top = 2 * max(bound, best.latency_p99_ns or 0)  # an overloaded queue has unbounded latencies
    figure = _canvas(6 * _STEP + 1, "target QPS", "latency p99")
    low, high = min(points), max(points)
    figure.set_x_limits(low - (high - low) / 20, high + (high - low) / 20)
    figure.set_y_limits(0, top * 1.1)
    figure.x_ticks_fkt = _ticks(lambda value: number(max(value, 0.0)))
    figure.y_ticks_fkt = _ticks(_from_zero(latency))
    for name, mark, is_valid in (("VALID", "o", True), ("INVALID", "x", False)):
        found = sorted((target, min(p99 or 0, top)) for target, (p99, valid) in points.items() if valid is is_valid)
        if found:
            figure.scatter([x for x, _ in found], [y for _, y in found], label=name, marker=mark)
    if bound:
        figure.plot([low, high], [bound, bound], label=f"bound {latency(bound)}", marker="-")
    return _drawn(figure)


def _rest(settings: TuningPoint) -> tuple[int | None, ...]:
    return settings.batch_size, settings.threads, settings.instances


def _canvas(width: int, x_label: str, y_label: str) -> "plotille.Figure":
    import plotille  # late: needed only for plots

    figure = plotille.Figure()
    figure.width, figure.height = width, _HEIGHT
    figure.with_colors = False
    figure.origin = False
    figure.x_label, figure.y_label = x_label, y_label
    return figure


def _ticks(show: Callable[[float], str]) -> Callable[[Any, Any], str]:
    """Callback of plotille with the values of a tick and of the next one."""
    return lambda value, _following: show(float(value))


def _from_zero(show: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: show(value) if value else "0"


def _drawn(figure: "plotille.Figure") -> str:
    text, _, legend = figure.show(legend=True).partition("Legend:\n-------\n")
    names = [line[1:].replace("⠤", "", 1).strip() for line in legend.splitlines()]
    lines = [line.rstrip(" ⠀") for line in text.rstrip().splitlines()]
    axis = next(number for number, line in enumerate(lines) if line.endswith(f"-> ({figure.x_label})"))
    lines[axis] = lines[axis].removesuffix(
        f" ({figure.x_label})"
    )  # next to the axis it would make the plot wider than a terminal
    indent = " " * (lines[axis].index("|") + 2)
    return "\n".join([*lines, f"{indent}({figure.x_label})", *(f"  {name}" for name in names)])
