"""What every benchmark of this folder gives: lines that hold a measured figure against a target, as text and as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Target:
    """The bound of a figure: at least, or at most, ``value``."""

    sense: str
    value: float

    def is_met_by(self, figure: float) -> bool:
        """Tell whether the figure keeps the bound."""
        return figure >= self.value if self.sense == ">=" else figure <= self.value

    def __str__(self) -> str:
        return f"{self.sense} {self.value:g}"


@dataclass(frozen=True)
class Row:
    """One line.

    ``ours`` and ``other`` are medians over the rounds, in ``unit``; ``other`` belongs to ``against``, what ours was held
    against in the same run (None where a figure stands alone). ``figure`` is what the target bounds, in ``figure_unit``
    ("x" for a ratio of the two), again the median over the rounds, and ``spread`` its largest less its smallest value.
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
    target: Target | None = None

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or nothing where there is no target."""
        return "" if self.target is None else "met" if self.target.is_met_by(self.figure) else "missed"


def show(rows: Sequence[Row]) -> None:
    """Print one table per area, and below them the targets that are missed."""
    from rich.console import Console  # late: the bare loop of ``harness`` runs where only a backend is installed

    console = Console(width=None if Console().is_terminal else 160, highlight=False)
    for area in dict.fromkeys(row.area for row in rows):
        console.print(_table(area, [row for row in rows if row.area == area]))
    targets, missed = [row for row in rows if row.target], [row for row in rows if row.verdict == "missed"]
    console.print(f"{len(targets) - len(missed)} of {len(targets)} targets are met")
    for row in missed:
        console.print(f"missed: {row.area}: {row.name}: {row.figure:.3f} {row.figure_unit}, target {row.target}")


def as_json(rows: Iterable[Row]) -> str:
    """Return the rows with their verdicts, as JSON."""
    return json.dumps([{**asdict(row), "verdict": row.verdict} for row in rows], indent=2) + "\n"


def write(rows: Sequence[Row], file: str) -> None:
    """Print the tables and, where ``file`` is named, leave the rows there as JSON."""
    show(rows)
    if file:
        Path(file).write_text(as_json(rows), encoding="utf-8")


def _table(area: str, rows: Iterable[Row]) -> "Table":
    from rich.table import Table  # late, as above

    table = Table(title=area, title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    table.add_column("unit")
    table.add_column("ours", justify="right")
    table.add_column("beside")
    for name in ("it", "figure", "spread", "target"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(
            row.name,
            row.unit,
            f"{row.ours:.4g}",
            row.against,
            "" if row.other is None else f"{row.other:.4g}",
            f"{row.figure:.3f} {row.figure_unit}",
            f"{row.spread:.3f}",
            "" if row.target is None else str(row.target),
            row.verdict,
        )
    return table
