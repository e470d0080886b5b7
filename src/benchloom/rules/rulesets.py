"""Look up the requirements of a ruleset for one scenario and one model."""

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.model.ruleset import Benchmark, Ruleset, ScenarioRules

# Default number of samples that a performance run draws from: ImageNet's in mlperf.conf.
DEFAULT_QSL_SIZE = 1024
# LoadGen's settings by the names of a ruleset's seeds; in its detail log ``effective_`` precedes them.
SEEDS = {"qsl": "qsl_rng_seed", "sample_index": "sample_index_rng_seed", "schedule": "schedule_rng_seed"}


def scenario_rules(ruleset: Ruleset, scenario: str) -> ScenarioRules:
    """Return the rules for ``scenario``. Raises InputError if the ruleset has no such scenario."""
    if scenario not in ruleset.scenarios:
        raise InputError(
            f"the ruleset {ruleset.name} has no scenario {scenario}",
            where="--scenario",
            fix=did_you_mean(scenario, ruleset.scenarios) or f"it has {', '.join(ruleset.scenarios)}",
        )
    return ruleset.scenarios[scenario]


def benchmark_of(ruleset: Ruleset, model: str) -> Benchmark | None:
    """Return the benchmark of a model name: the first of several, which is the least demanding."""
    return next((item for item in ruleset.benchmarks.values() if model in item.models), None)


def least_queries(ruleset: Ruleset, scenario: str, model: str) -> int | None:
    """Return the least number of queries; None for LoadGen's default."""
    benchmark = benchmark_of(ruleset, model)
    stated = benchmark.min_queries.get(scenario) if benchmark else None
    return scenario_rules(ruleset, scenario).min_queries if stated is None else stated


def bound_ms(ruleset: Ruleset, scenario: str, model: str) -> float | None:
    """Return the latency bound in milliseconds; None for LoadGen's default."""
    benchmark = benchmark_of(ruleset, model)
    return (
        benchmark.latency_bounds_ms.get(scenario, ruleset.default_bound_ms) if benchmark else ruleset.default_bound_ms
    )


def qsl_size(ruleset: Ruleset, model: str) -> int:
    """Return the minimum number of samples that a performance run draws from."""
    benchmark = benchmark_of(ruleset, model)
    return (benchmark.qsl_size if benchmark else None) or DEFAULT_QSL_SIZE


def target_of(ruleset: Ruleset, model: str, metric: str) -> float | None:
    """Return the target value of a metric for a model; None if not stated."""
    benchmark = benchmark_of(ruleset, model)
    return benchmark.targets.get(metric) if benchmark else None
