"""What the checks of a result look at: its place in the tree, its benchmark and the rules."""

from functools import cached_property
from pathlib import Path
from typing import Any

from benchloom.model.ruleset import Benchmark, Ruleset, SuiteScenarios
from benchloom.model.submission_rules import SubmissionRules
from benchloom.rules.scenarios import SCENARIOS
from benchloom.submission.findings import OPEN, Notes
from benchloom.submission.logs import Log, read_log


class Rules:
    """A round's ruleset and what its submissions hold, as one."""

    def __init__(self, ruleset: Ruleset, submission: SubmissionRules) -> None:
        self.ruleset, self.submission = ruleset, submission
        self.benchmarks: dict[str, Benchmark] = {**ruleset.benchmarks, **submission.benchmarks}

    def benchmark_of(self, model: str, mapping: dict[str, Any]) -> str:
        """Return the benchmark that a folder's model is taken for; its own name if nothing names one."""
        rules = self.submission
        for known in (model if model in self.benchmarks else "", rules.names.get(model), mapping.get(model)):
            if known:
                return str(known)
        guessed = (item.benchmark for item in rules.guesses if any(part in model for part in item.contains))
        return next(guessed, model)

    def scenarios_of(self, suite: str, benchmark: str) -> SuiteScenarios | None:
        """Return the scenarios of a benchmark on systems of a type; None if it is not one of theirs."""
        suite = ",".join(sorted(suite.split(",")))
        for suites in (self.ruleset.suites, self.submission.suites):
            if benchmark in suites.get(suite, {}):
                return suites[suite][benchmark]
        return None

    def figure(self, benchmark: str, scenario: str) -> str:
        """Return the key of the official figure of a scenario; '' if there is none."""
        own = self.submission.figures.get(benchmark, {}).get(scenario)
        known = self.ruleset.scenarios.get(scenario)
        return own or (known.figure if known else "")


_BY_FOLDER = {name.lower(): name for name in SCENARIOS}


def scenario_of(folder: str, rules: Rules) -> str:
    """Return the scenario that a folder's name means; the name itself if it means none."""
    more = {item.scenario.lower(): item.scenario for item in rules.submission.inferred}
    return {**more, **_BY_FOLDER}.get(folder, folder)


class Result:
    """One folder of results, with everything that is looked up for it."""

    def __init__(self, *, root: Path, path: str, rules: Rules, benchmark: str, system_facts: dict[str, Any]) -> None:
        self.root, self.path, self.rules, self.benchmark = root, path, rules, benchmark
        self.division, self.submitter, _, self.system, self.model, self.folder = path.split("/")
        self.scenario = scenario_of(self.folder, rules)
        self.system_facts = system_facts
        self.notes = Notes(rules.submission, self.division)

    @property
    def is_closed(self) -> bool:
        """Whether the rules of the closed division hold: they do in the network division, too."""
        return self.division != OPEN

    @property
    def facts(self) -> Benchmark | None:
        """What the round demands of the benchmark; None for an unknown one."""
        return self.rules.benchmarks.get(self.benchmark)

    def place(self, pattern: str) -> str:
        """Return a folder of this result, from the root, by a pattern of the rules."""
        base = f"{self.division}/{self.submitter}"
        return pattern.format(base=base, system=self.system, model=self.model, scenario=self.folder)

    @property
    def performance_path(self) -> str:
        """The folder of the performance run that the official checker reads: the last one of several."""
        return f"{self.path}/performance/run_{self.rules.submission.runs.get(self.scenario, 1)}"

    @property
    def accuracy_path(self) -> str:
        """The folder of the accuracy run."""
        return f"{self.path}/accuracy"

    @cached_property
    def performance(self) -> Log:
        """The performance run's log."""
        return read_log(self.root / self.performance_path)

    @cached_property
    def accuracy(self) -> Log:
        """The accuracy run's log."""
        return read_log(self.root / self.accuracy_path)

    @property
    def log_scenario(self) -> str:
        """The scenario of the performance run; '' if its log does not state it."""
        return self.performance.scenario
