"""A ruleset as a component states it: what a round of MLPerf, or a company, demands of a result."""

from benchloom.model.base import SchemaTable, Value


class Seeds(Value, frozen=True, kw_only=True):
    """The seeds that LoadGen draws with.

    Attributes:
        qsl: seed of the choice of the samples that are loaded (qsl_rng_seed).
        sample_index: seed of the order in which samples are asked for (sample_index_rng_seed).
        schedule: seed of the times at which queries are issued (schedule_rng_seed).
    """

    qsl: int
    sample_index: int
    schedule: int


class ScenarioRules(Value, frozen=True, kw_only=True):
    """What a performance run of one scenario must be.

    Attributes:
        figure: the key in LoadGen's detail log of the figure that is official.
        min_duration: least duration in seconds.
        min_queries: least number of queries (samples, if one query has all of them); None leaves LoadGen's own.
        unmeasurable: why today's LoadGen cannot measure what this ruleset means by the scenario; '' if it can.
    """

    figure: str
    min_duration: float
    min_queries: int | None = None
    unmeasurable: str = ""


class Benchmark(Value, frozen=True, kw_only=True):
    """One benchmark of a ruleset. Unknown facts are None or left out.

    Attributes:
        models: the names that models of it state.
        targets: the least value by metric; fractions for metrics that are fractions.
        at_most: the largest value by metric.
        qsl_size: the least number of samples that a performance run draws from.
        dataset_size: the number of samples of the whole data set.
        latency_bounds_ms: the latency bound by scenario.
        min_queries: the least number of queries by scenario, if it differs from the scenario's.
        compliance: the compliance tests that a submission needs.
    """

    models: tuple[str, ...]
    targets: dict[str, float] = {}
    at_most: dict[str, float] = {}
    qsl_size: int | None = None
    dataset_size: int | None = None
    latency_bounds_ms: dict[str, float] = {}
    min_queries: dict[str, int] = {}
    compliance: tuple[str, ...] = ()


class SuiteScenarios(Value, frozen=True, kw_only=True):
    """The scenarios of a benchmark in one suite.

    Attributes:
        required: those that a submission must have.
        optional: those that it may have besides.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class Ruleset(Value, frozen=True, kw_only=True):
    """What a ruleset demands.

    Attributes:
        name: the component's alias; whatever the metadata say.
        round: the round of MLPerf Inference, such as ``2.0``; '' for a ruleset that is none.
        is_official: whether results under it can be submitted to anybody.
        early_stopping: whether a run may be shorter than the least number of queries if LoadGen's early stopping allows it.
        seeds: None leaves LoadGen's own.
        default_bound_ms: the latency bound of a scenario that has one, for models of no benchmark.
        scenarios: by name.
        benchmarks: by MLPerf's name.
        suites: by suite (``edge``, ``datacenter``) and benchmark.
        notes: what is to be known of every result under it.
        sources: where each fact was read, by the name of the fact.
        unknown: why a fact is left out, by the name of the fact.
    """

    name: str = ""
    round: str = ""
    is_official: bool = False
    early_stopping: bool = False
    seeds: Seeds | None = None
    default_bound_ms: float | None = None
    scenarios: dict[str, ScenarioRules]
    benchmarks: dict[str, Benchmark] = {}
    suites: dict[str, dict[str, SuiteScenarios]] = {}
    notes: tuple[str, ...] = ()
    sources: dict[str, str] = {}
    unknown: dict[str, str] = {}


SCHEMAS: SchemaTable = {"block-ruleset": (Ruleset, "block ruleset of a component file")}
