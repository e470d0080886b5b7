"""Scenarios, one per row: how LoadGen issues queries, its settings and figures, and what a tuning searches.

Names of settings are those of LoadGen's TestSettings and of its ``user.conf`` (mlcommons/inference,
loadgen/test_settings.h and test_settings_internal.cc).
"""

from typing import Literal

from benchloom.model.base import Value
from benchloom.rules.metrics import LATENCY, QUERY_RATE, SAMPLE_RATE, Metric

# Axes of a search: inputs of a program.
BATCH, THREADS, INSTANCES = "batch_size", "threads", "instances"
AXES = (BATCH, THREADS, INSTANCES)

# Keys of a ``user.conf`` whose setting depends on the scenario.
TARGET_LATENCY, TARGET_RATE = "target_latency", "target_qps"
PERCENTILE, QUERY_SIZE, COALESCE, MOST_ASYNC = (
    "target_latency_percentile",
    "samples_per_query",
    "coalesce_queries",
    "max_async_queries",
)
# If these differ from the round's values, a result belongs to MLPerf's open division.
OPEN_KEYS = frozenset(
    {
        PERCENTILE,
        MOST_ASYNC,
        "performance_issue_unique",
        "performance_issue_same",
        "performance_issue_same_index",
        "accuracy_sample_count_override",
        "sample_concatenate_permutation",
    }
)


class Search(Value, frozen=True, kw_only=True):
    """What a tuning optimises in a scenario.

    Attributes:
        title: the figure's name for people.
        metric: what the figure measures: its unit and its better direction.
        axes: the inputs that are searched.
        percentile: for a latency, the percentile that is its figure.
        sieve: the scenario of short screening runs; '' for the scenario itself.
        confirmations: how often the best must be measured.
    """

    title: str
    metric: Metric
    axes: tuple[str, ...]
    percentile: str = ""
    sieve: str = ""
    confirmations: int = 1


class Scenario(Value, frozen=True, kw_only=True):
    """How queries arrive, and the resulting settings and figures.

    Attributes:
        name: LoadGen's name.
        arrival: ``in turn``: a query follows the last one's completion; ``by rate``: queries arrive at random times
            with a given rate, independent of the system; ``at once``: all samples are in one query.
        samples_per_query: the default number of samples per query; None: all of them.
        keys: the setting by key of ``user.conf``, for those keys whose setting differs between scenarios.
        expectation: the key of the setting for the expected speed of the system.
        bound: the setting that bounds the latency; '' if there is none.
        throughput: the key of LoadGen's own throughput in its detail log; '' if it states none.
        uses_batch: whether an inference may take samples of several queries, or any part of one.
        uses_instances: whether a second instance is useful.
        has_percentiles: whether percentiles of its latencies are meaningful.
        expected_margin: ratio of the expectation set in LoadGen to the calibrated value.
        stated_margin: ratio of the value in a tuned ``user.conf`` to the measured one.
        search: what a tuning optimises.
        is_default: whether it is the default scenario.
    """

    name: str
    arrival: Literal["in turn", "by rate", "at once"]
    samples_per_query: int | None = 1
    keys: dict[str, str]
    expectation: str
    bound: str = ""
    throughput: str = ""
    uses_batch: bool = False
    uses_instances: bool = True
    has_percentiles: bool = True
    expected_margin: float
    stated_margin: float
    search: Search
    is_default: bool = False

    @property
    def expects_rate(self) -> bool:
        """Whether the expectation is a rate in queries or samples per second; else it is the latency of a query."""
        return self.expectation == TARGET_RATE

    @property
    def expected(self) -> str:
        """The setting of the expectation."""
        return self.keys[self.expectation]

    @property
    def prepared(self) -> tuple[str, ...]:
        """The settings that determine what LoadGen generates and checks, the expectation first; each must be above zero."""
        words = (self.expectation, TARGET_LATENCY, PERCENTILE, QUERY_SIZE)
        return tuple(dict.fromkeys(self.keys[word] for word in words if word in self.keys))

    @property
    def shown(self) -> tuple[str, ...]:
        """The settings that belong in a record."""
        return (*self.prepared, *(self.keys[word] for word in (COALESCE,) if word in self.keys))


# Margins: LoadGen keeps all queries in memory: twice as many as the minimum duration needs at the expected latency, a tenth more than an
# expected throughput asks for. If the system uses them up, the run ends early and is INVALID: a quarter above the median allows for
# a system 1.6 times as fast. Poisson arrivals need idle time: at 0.3 of the rate of single inferences, queues stay short.
SINGLE_STREAM = Scenario(
    name="SingleStream",
    arrival="in turn",
    keys={
        TARGET_LATENCY: "single_stream_expected_latency_ns",
        PERCENTILE: "single_stream_target_latency_percentile",
    },
    expectation=TARGET_LATENCY,
    throughput="result_qps_with_loadgen_overhead",
    uses_instances=False,
    expected_margin=1.25,
    stated_margin=0.7,
    search=Search(title="latency p90", metric=LATENCY, axes=(THREADS,), percentile="p90"),
    is_default=True,
)
MULTI_STREAM = Scenario(
    name="MultiStream",
    arrival="in turn",
    samples_per_query=8,
    keys={
        TARGET_LATENCY: "multi_stream_expected_latency_ns",
        PERCENTILE: "multi_stream_target_latency_percentile",
        QUERY_SIZE: "multi_stream_samples_per_query",
    },
    expectation=TARGET_LATENCY,
    expected_margin=1.25,
    stated_margin=0.7,
    search=Search(title="latency p99", metric=LATENCY, axes=(THREADS,), percentile="p99"),
)
OFFLINE = Scenario(
    name="Offline",
    arrival="at once",
    samples_per_query=None,
    keys={TARGET_RATE: "offline_expected_qps"},
    expectation=TARGET_RATE,
    throughput="result_samples_per_second",
    uses_batch=True,
    has_percentiles=False,
    expected_margin=1.3,
    stated_margin=1.3,
    search=Search(title="throughput", metric=SAMPLE_RATE, axes=AXES),
)
SERVER = Scenario(
    name="Server",
    arrival="by rate",
    keys={
        TARGET_RATE: "server_target_qps",
        TARGET_LATENCY: "server_target_latency_ns",
        PERCENTILE: "server_target_latency_percentile",
        COALESCE: "server_coalesce_queries",
        MOST_ASYNC: "server_max_async_queries",
    },
    expectation=TARGET_RATE,
    bound="server_target_latency_ns",
    throughput="result_completed_samples_per_sec",
    uses_batch=True,
    expected_margin=0.3,
    stated_margin=1.0,
    search=Search(
        title="target QPS", metric=QUERY_RATE, axes=AXES, percentile="p99", sieve=OFFLINE.name, confirmations=2
    ),
)

SCENARIOS = {row.name: row for row in (SINGLE_STREAM, MULTI_STREAM, SERVER, OFFLINE)}
DEFAULT_SCENARIO = next(row for row in SCENARIOS.values() if row.is_default)


def settings_by_key(key: str) -> dict[str, str]:
    """Return the setting of a key of ``user.conf`` by scenario, for the scenarios that accept it."""
    return {name: row.keys[key] for name, row in SCENARIOS.items() if key in row.keys}
