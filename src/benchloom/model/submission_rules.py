"""How a round of MLPerf Inference is submitted and what its official checker heeds, as a ruleset's component states it.

Names of checks are codes of ``submission/findings.json``.
"""

from typing import Literal

from benchloom.model.base import SchemaTable, Value
from benchloom.model.ruleset import Benchmark, Seeds, SuiteScenarios


class AccuracyText(Value, frozen=True, kw_only=True):
    """How ``accuracy.txt`` states a metric.

    Attributes:
        name: the metric's name in the official checker's table.
        pattern: regular expression at the start of a line; its first group is the number.
        factor: what a value of the metric is multiplied by there: 100 for a fraction given in percent.
    """

    name: str
    pattern: str
    factor: float = 1


class Guess(Value, frozen=True, kw_only=True):
    """The benchmark of a model of the open division that no table names.

    Attributes:
        contains: texts of which the model's name contains one.
        benchmark: the benchmark that is assumed.
    """

    contains: tuple[str, ...]
    benchmark: str


class Inferred(Value, frozen=True, kw_only=True):
    """A scenario whose result may come from another scenario's log.

    Attributes:
        scenario: the folder's scenario.
        log: the log's scenario.
        figure: key of the log that gives the result; '' for the official figure of the log's scenario.
        times: what the figure is multiplied by.
        rate_of: if above 0, the figure is a latency in which so many samples complete, and the result is their rate.
    """

    scenario: str
    log: str
    figure: str = ""
    times: float = 1
    rate_of: float = 0


class TokenLatencies(Value, frozen=True, kw_only=True):
    """Bounds of a language model's 99th percentiles.

    Attributes:
        first_ns: time to the first token, in nanoseconds.
        each_ns: time of each further token, in nanoseconds.
    """

    first_ns: float
    each_ns: float


class SubmissionRules(Value, frozen=True, kw_only=True):
    """What a submission of a round holds.

    Attributes:
        checker: the official checker that the facts were read from.
        divisions: the folders at the root.
        availabilities: values of ``status`` of a system description.
        system_types: values of ``system_type``.
        measurements: folder of a result's measurements, with {base}, {system}, {model} and {scenario}; {base} is division/submitter.
        measurements_json: whether the file is called ``measurements.json`` instead of by the system.
        compliance: folder of a result's compliance tests.
        code: name of the folder of the source.
        runs: number of performance runs of a scenario, if it is not 1.
        benchmarks: benchmarks that Benchloom cannot run, beside those of the ruleset.
        suites: scenarios of those, and of systems that are of both suites (``datacenter,edge``).
        names: benchmark by name of model.
        guesses: in order.
        has_mapping: whether the open division may have a ``model_mapping.json``.
        accuracy: how a metric is written, by metric.
        accuracy_factors: ``factor`` of benchmarks that write a metric in another way.
        accuracy_until: where reading of accuracy.txt ends: at the first hash with values that are ``stated``, or that are ``met``.
        accuracy_delta: the difference in percent that TEST01 allows, by benchmark and metric, if it is not that of the name.
        accuracy_images: pictures in the accuracy folder, by benchmark.
        figures: the official figure of a benchmark's scenario, if it is not the ruleset's.
        units: its unit.
        token_latencies: by benchmark and scenario.
        equal_issue: benchmarks whose performance runs must use all samples equally often.
        inferred: see ``Inferred``.
        inferred_only: scenarios that the checker refuses from a log that ``inferred`` does not allow; it takes others.
        system_fields: keys of a system description.
        system_fields_filled: those that must not be empty.
        network_fields: those of a system over a network.
        measurement_files: files of measurements.
        measurement_fields: keys of the measurements' JSON file.
        compliance_without: tests that a scenario has not.
        short_tests: tests that are compared with each other, so that their runs may be short and INVALID.
        test_seeds: the seeds of a test that has its own.
        power_zones: whether power logs have times in zones of their own, which their JSON files state.
        ignored_errors: texts of LoadGen errors that the checker passes over.
        refuses: codes of checks because of which the official checker publishes no result.
        objects: codes of checks because of which it exits with an error but publishes the result.
        open_accepts: codes of ``refuses`` that it lets pass in the open division.
        sources: where each fact was read.
    """

    checker: str
    divisions: tuple[str, ...]
    availabilities: tuple[str, ...]
    system_types: tuple[str, ...]
    measurements: str
    measurements_json: bool = False
    compliance: str
    code: str = "code"
    runs: dict[str, int] = {}
    benchmarks: dict[str, Benchmark] = {}
    suites: dict[str, dict[str, SuiteScenarios]] = {}
    names: dict[str, str] = {}
    guesses: tuple[Guess, ...] = ()
    has_mapping: bool = False
    accuracy: dict[str, AccuracyText]
    accuracy_factors: dict[str, float] = {}
    accuracy_until: Literal["stated", "met"]
    accuracy_delta: dict[str, dict[str, float]] = {}
    accuracy_images: dict[str, tuple[str, ...]] = {}
    figures: dict[str, dict[str, str]] = {}
    units: dict[str, dict[str, str]] = {}
    token_latencies: dict[str, dict[str, TokenLatencies]] = {}
    equal_issue: tuple[str, ...] = ()
    inferred: tuple[Inferred, ...] = ()
    inferred_only: tuple[str, ...] = ()
    system_fields: tuple[str, ...]
    system_fields_filled: tuple[str, ...] = ()
    network_fields: tuple[str, ...] = ()
    measurement_files: tuple[str, ...]
    measurement_fields: tuple[str, ...]
    compliance_without: dict[str, tuple[str, ...]] = {}
    short_tests: tuple[str, ...] = ()
    test_seeds: dict[str, Seeds] = {}
    power_zones: bool = False
    ignored_errors: tuple[str, ...] = ()
    refuses: tuple[str, ...]
    objects: tuple[str, ...] = ()
    open_accepts: tuple[str, ...] = ()
    sources: dict[str, str] = {}


SCHEMAS: SchemaTable = {"block-submission": (SubmissionRules, "block submission of a ruleset of a round")}
