"""Metrics, one per row: name in results, unit, and better direction."""

from typing import Literal, TypeAlias

from benchloom.model.base import Value

Better: TypeAlias = Literal["more", "less"]
# How a value is printed: a fraction as a percentage, nanoseconds in a suitable unit, a plain number.
Format: TypeAlias = Literal["percent", "duration", "number"]


class Metric(Value, frozen=True, kw_only=True):
    """A measured quantity.

    Attributes:
        name: its name in results, records and rulesets.
        title: its name for people.
        unit: ``fraction`` (0 to 1), ``ns``, ``samples/s`` …; values in records have this unit.
        better: which direction is better.
        format: how values are printed.
        of: whether it is derived from responses or from timing.
    """

    name: str
    title: str
    unit: str
    better: Better
    format: Format
    of: Literal["accuracy", "performance"]


TOP1 = Metric(name="top1", title="top-1", unit="fraction", better="more", format="percent", of="accuracy")
TOP5 = Metric(name="top5", title="top-5", unit="fraction", better="more", format="percent", of="accuracy")
MEAN_AVERAGE_PRECISION = Metric(
    name="mAP", title="mAP", unit="fraction", better="more", format="percent", of="accuracy"
)
LATENCY = Metric(name="latency_ns", title="latency", unit="ns", better="less", format="duration", of="performance")
SAMPLE_RATE = Metric(
    name="samples_per_second",
    title="throughput",
    unit="samples/s",
    better="more",
    format="number",
    of="performance",
)
QUERY_RATE = Metric(
    name="queries_per_second", title="query rate", unit="queries/s", better="more", format="number", of="performance"
)
STREAMS = Metric(
    name="samples_per_query",
    title="samples per query",
    unit="samples/query",
    better="more",
    format="number",
    of="performance",
)

METRICS = {row.name: row for row in tuple(globals().values()) if isinstance(row, Metric)}


def metric_title(name: str) -> str:
    """Return a metric's name for people; the name itself for an unknown one."""
    return METRICS[name].title if name in METRICS else name
