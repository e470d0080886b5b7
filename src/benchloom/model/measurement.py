"""The Measurement: one line of a benchmark, computed from the figures of its rounds."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

from benchloom.model.base import Document, SchemaTable, Value


class Bound(Value, frozen=True, kw_only=True):
    """What a figure is to be.

    Attributes:
        sense: whether the value is the least or the largest allowed.
        value: the bound itself.
    """

    sense: Literal[">=", "<="]
    value: float

    def is_met_by(self, figure: float) -> bool:
        """Tell whether the figure meets the bound."""
        return figure >= self.value if self.sense == ">=" else figure <= self.value

    def __str__(self) -> str:
        return f"{self.sense} {self.value:g}"


class Measurement(Value, frozen=True, kw_only=True):
    """One line of the benchmarks; values are medians over the rounds.

    Attributes:
        area: the group of benchmarks.
        name: what was measured.
        unit: unit of ``ours`` and ``other``.
        ours: the value of Benchloom.
        against: what it was compared with.
        other: the value of that; null if a figure stands alone.
        figure: the figure that the target bounds.
        figure_unit: its unit; ``x`` for the ratio of ours to the other.
        spread: largest less smallest value of the figure over the rounds.
        target: what the figure is to be; null if it is only reported.
        verdict: ``met`` or ``missed``; empty without a target.
    """

    area: str
    name: str
    unit: str
    ours: float
    against: str
    other: float | None
    figure: float
    figure_unit: str
    spread: float
    target: Bound | None
    verdict: str


class BenchRun(Document, frozen=True, kw_only=True):
    """What ``loom bench`` measured.

    Attributes:
        is_quick: whether rounds were fewer and shorter.
        measurements: every line, those too that an area had measured before it failed.
        failed: areas that did not complete.
    """

    is_quick: bool
    measurements: tuple[Measurement, ...]
    failed: tuple[str, ...]


SCHEMAS: SchemaTable = {"bench-run": (BenchRun, "loom bench --json")}


def at_least(value: float) -> Bound:
    """Return the bound ``>= value``."""
    return Bound(sense=">=", value=value)


def at_most(value: float) -> Bound:
    """Return the bound ``<= value``."""
    return Bound(sense="<=", value=value)


def line(
    area: str,
    name: str,
    unit: str,
    *,
    ours: Sequence[float],
    against: str = "",
    others: Sequence[float] = (),
    figures: Sequence[float],
    figure_unit: str,
    bound: Bound | None = None,
) -> Measurement:
    """Return the line of what was measured round by round: ``ours`` and ``others`` in ``unit``, ``figures`` in ``figure_unit``.

    Raises statistics.StatisticsError if there is no round.
    """
    figure = median(figures)
    return Measurement(
        area=area,
        name=name,
        unit=unit,
        ours=median(ours),
        against=against,
        other=median(others) if others else None,
        figure=figure,
        figure_unit=figure_unit,
        spread=max(figures) - min(figures),
        target=bound,
        verdict="" if bound is None else "met" if bound.is_met_by(figure) else "missed",
    )


def ratio(
    area: str,
    name: str,
    unit: str,
    ours: Sequence[float],
    against: str,
    others: Sequence[float],
    bound: Bound | None = None,
) -> Measurement:
    """Return the line of two that took turns: its figure is ours by the other's, round by round.

    Raises ValueError if one has more rounds than the other.
    """
    ratios = [one / other for one, other in zip(ours, others, strict=True)]
    return line(
        area, name, unit, ours=ours, against=against, others=others, figures=ratios, figure_unit="x", bound=bound
    )


def alone(area: str, name: str, unit: str, figures: Sequence[float], bound: Bound | None = None) -> Measurement:
    """Return the line of a figure without a baseline, in ``unit``."""
    return line(area, name, unit, ours=figures, figures=figures, figure_unit=unit, bound=bound)
