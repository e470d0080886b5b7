"""The figures of LoadGen's detail log that rounds of MLPerf publish as results of a scenario, one per row.

Sources: the submission checkers of mlcommons/inference by round (``RESULT_FIELD``) and results.cc of LoadGen 6.0.
"""

from benchloom.model.base import Value
from benchloom.rules.metrics import LATENCY, QUERY_RATE, SAMPLE_RATE, STREAMS, Metric
from benchloom.rules.scenarios import MULTI_STREAM, OFFLINE, SERVER, SINGLE_STREAM, Scenario


class Figure(Value, frozen=True, kw_only=True):
    """A figure that can be official.

    Attributes:
        key: its name in LoadGen's detail log.
        scenario: the scenario that has it.
        metric: what it measures.
        title: its name for people.
        short: the same, for use next to a scenario.
        since: the first round that publishes it, for a figure that is also used for other rounds.
    """

    key: str
    scenario: Scenario
    metric: Metric
    title: str
    short: str = ""
    since: str = ""


_ROWS = (
    Figure(
        key="result_90.00_percentile_latency_ns",
        scenario=SINGLE_STREAM,
        metric=LATENCY,
        title="90th percentile latency",
        short="p90",
    ),
    Figure(
        key="early_stopping_latency_ss",
        scenario=SINGLE_STREAM,
        metric=LATENCY,
        title="early stopping estimate of the 90th percentile latency",
        short="p90 estimate",
    ),
    Figure(
        key="result_99.00_percentile_per_query_latency_ns",
        scenario=MULTI_STREAM,
        metric=LATENCY,
        title="99th percentile latency of a query",
        short="p99 of a query",
        since="2.0",  # earlier rounds: the number of streams
    ),
    Figure(
        key="early_stopping_latency_ms",
        scenario=MULTI_STREAM,
        metric=LATENCY,
        title="early stopping estimate of the 99th percentile latency of a query",
        short="p99 estimate of a query",
    ),
    Figure(
        key="effective_samples_per_query",
        scenario=MULTI_STREAM,
        metric=STREAMS,
        title="samples per query within the latency bound",
        short="per query",
    ),
    Figure(key="result_scheduled_samples_per_sec", scenario=SERVER, metric=QUERY_RATE, title="scheduled queries"),
    Figure(key="result_completed_samples_per_sec", scenario=SERVER, metric=QUERY_RATE, title="completed queries"),
    Figure(key="result_samples_per_second", scenario=OFFLINE, metric=SAMPLE_RATE, title="throughput"),
)
FIGURES = {row.key: row for row in _ROWS}


def figures_of(scenario: str) -> tuple[Figure, ...]:
    """Return the figures that a scenario has; none for an unknown one."""
    return tuple(row for row in _ROWS if row.scenario.name == scenario)
