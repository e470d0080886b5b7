"""The official figure of each scenario: what MLPerf publishes of a run, and what LoadGen calls it."""

from typing import Literal

from benchloom.model.base import Value


class OfficialFigure(Value, frozen=True, kw_only=True):
    """One scenario's figure.

    Attributes:
        key: its name in LoadGen's detail log.
        title: what it is, for people.
        short: the same, where a scenario stands beside it.
        unit: ``ns``, ``queries/s`` or ``samples/s``.
        since: the rounds that publish it, if not all do.
    """

    key: str
    title: str
    short: str = ""
    unit: Literal["ns", "queries/s", "samples/s"]
    since: str = ""


OFFICIAL = {
    "SingleStream": OfficialFigure(
        key="result_90.00_percentile_latency_ns", title="90th percentile latency", short="p90", unit="ns"
    ),
    "MultiStream": OfficialFigure(
        key="result_99.00_percentile_per_query_latency_ns",
        title="99th percentile latency of a query",
        short="p99 of a query",
        unit="ns",
        since="2.0",  # before, the number of streams
    ),
    "Server": OfficialFigure(key="result_scheduled_samples_per_sec", title="scheduled queries", unit="queries/s"),
    "Offline": OfficialFigure(key="result_samples_per_second", title="throughput", unit="samples/s"),
}
BY_KEY = {item.key: (scenario, item) for scenario, item in OFFICIAL.items()}
