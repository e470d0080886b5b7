"""Questions to a ruleset: what it demands of one scenario and one model."""

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.model.ruleset import Benchmark, Ruleset, ScenarioRules

# Samples that a performance run draws from if no benchmark states it: ImageNet's number in mlperf.conf.
DEFAULT_QSL_SIZE = 1024


def scenario_rules(ruleset: Ruleset, scenario: str) -> ScenarioRules:
    """Return what a run of ``scenario`` must be. Raises InputError if the ruleset has no such scenario."""
    if scenario not in ruleset.scenarios:
        raise InputError(
            f"the ruleset {ruleset.name} has no scenario {scenario}",
            where="--scenario",
            fix=did_you_mean(scenario, ruleset.scenarios) or f"it has {', '.join(ruleset.scenarios)}",
        )
    return ruleset.scenarios[scenario]


def benchmark_of(ruleset: Ruleset, model: str) -> Benchmark | None:
    """Return the benchmark that a model of this name is for: the first of several, which is the least demanding."""
    return next((item for item in ruleset.benchmarks.values() if model in item.models), None)


def least_queries(ruleset: Ruleset, scenario: str, model: str) -> int | None:
    """Return the least number of queries; None if LoadGen's own holds."""
    benchmark = benchmark_of(ruleset, model)
    stated = benchmark.min_queries.get(scenario) if benchmark else None
    return scenario_rules(ruleset, scenario).min_queries if stated is None else stated


def bound_ms(ruleset: Ruleset, scenario: str, model: str) -> float | None:
    """Return the latency bound in milliseconds; None if LoadGen's own holds."""
    benchmark = benchmark_of(ruleset, model)
    return (
        benchmark.latency_bounds_ms.get(scenario, ruleset.default_bound_ms) if benchmark else ruleset.default_bound_ms
    )


def qsl_size(ruleset: Ruleset, model: str) -> int:
    """Return how many samples a performance run draws from at least."""
    benchmark = benchmark_of(ruleset, model)
    return (benchmark.qsl_size if benchmark else None) or DEFAULT_QSL_SIZE


def target_of(ruleset: Ruleset, model: str, metric: str) -> float | None:
    """Return the least value of a metric that a model must reach; None if nothing states it."""
    benchmark = benchmark_of(ruleset, model)
    return benchmark.targets.get(metric) if benchmark else None
