"""A submission checked: every result of every system of every submitter, with both verdicts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchloom.model.submission import CheckedResult, SubmissionCheck, SubmissionFinding
from benchloom.submission.accuracy import check_accuracy
from benchloom.submission.compliance import check_compliance
from benchloom.submission.context import Result, Rules
from benchloom.submission.files import json_object, listing
from benchloom.submission.findings import OPEN, Notes
from benchloom.submission.measurements import check_measurements
from benchloom.submission.performance import check_performance, has_power, official_value
from benchloom.submission.power import check_power
from benchloom.submission.submitter import check_submitter, submitters
from benchloom.submission.system import check_system

_HOUSEKEEPING = frozenset({".git", ".github", "assets"})
_MAPPING = "model_mapping.json"


def check_submission(root: Path, rules: Rules, ruleset: str) -> SubmissionCheck:
    """Check the tree at ``root`` under a round's rules."""
    about_root = Notes(rules.submission, "")
    _check_root(about_root, root, rules)
    above: list[Notes] = [about_root]
    results: list[CheckedResult] = []
    divisions = {
        name: _checked_division(root, name, rules)
        for name in listing(root).folders
        if name in rules.submission.divisions
    }
    above += divisions.values()
    for base in submitters(root, tuple(divisions)):
        checker = _Submitter(root, base, rules, divisions[base.split("/", 1)[0]])
        results += checker.results()
        above += checker.above
    about_root.judge("results-missing", ".", wrong=not results)
    findings = tuple(item for notes in above for item in notes.found)
    every = [*findings, *(item for result in results for item in result.findings)]
    judged = {code for notes in above for code in notes.passed} - {item.code for item in findings}
    return SubmissionCheck(
        root=str(root),
        round=rules.ruleset.round,
        ruleset=ruleset,
        checker=rules.submission.checker,
        official=bool(results) and all(item.official == "accepts" for item in every),
        strict=bool(results) and all(item.severity != "error" for item in every),
        results=tuple(sorted(results, key=lambda item: item.path)),
        findings=findings,
        passed=tuple(sorted(judged)),
    )


def _check_root(notes: Notes, root: Path, rules: Rules) -> None:
    there = listing(root)
    odd = [name for name in there.folders if name not in (*rules.submission.divisions, *_HOUSEKEEPING)]
    notes.judge(
        "division-unknown", ".", wrong=odd, folders=", ".join(odd), expected=", ".join(rules.submission.divisions)
    )
    files = [name for name in there.files if not name.endswith((".md", ".pdf"))]
    notes.judge("root-files", ".", wrong=files, files=", ".join(files))


def _checked_division(root: Path, division: str, rules: Rules) -> Notes:
    notes = Notes(rules.submission, division)
    files = listing(root / division).files
    notes.judge("division-files", division, wrong=files, files=", ".join(files))
    return notes


class _Submitter:
    """The checks of one submitter in one division; ``above`` are those that are not of a single result."""

    def __init__(self, root: Path, base: str, rules: Rules, about_division: Notes) -> None:
        self._root, self._base, self._rules, self._outer = root, base, rules, about_division
        self._division = base.split("/", 1)[0]
        self.above: list[Notes] = []

    def results(self) -> Iterator[CheckedResult]:
        """Check everything, and yield the results."""
        notes = self._notes()
        check_submitter(notes, self._root, self._base, self._rules)
        mapping = self._mapping()
        for system in listing(self._root / self._base / "results").folders:
            about_system = self._notes()
            facts = check_system(about_system, self._root, f"{self._base}/systems/{system}.json", self._rules)
            for model in listing(self._root / self._base / "results" / system).folders:
                path = f"{self._base}/results/{system}/{model}"
                yield from self._model(
                    path, self._rules.benchmark_of(model, mapping), facts, (self._outer, notes, about_system)
                )

    def _notes(self) -> Notes:
        self.above.append(Notes(self._rules.submission, self._division))
        return self.above[-1]

    def _mapping(self) -> dict[str, Any]:
        has_one = self._rules.submission.has_mapping and self._division == OPEN
        return json_object(self._root / self._base / _MAPPING).values if has_one else {}

    def _model(
        self, path: str, benchmark: str, facts: dict[str, Any], outer: tuple[Notes, ...]
    ) -> Iterator[CheckedResult]:
        notes = self._notes()
        suite = str(facts.get("system_type") or "")
        allowed = self._rules.scenarios_of(suite, benchmark)
        is_unknown = benchmark not in self._rules.benchmarks
        has_suite = suite in self._rules.submission.system_types
        notes.judge("benchmark-unknown", path, wrong=is_unknown, model=path.rsplit("/", 1)[1])
        notes.judge(
            "benchmark-not-in-suite",
            path,
            wrong=has_suite and not is_unknown and not allowed,
            benchmark=benchmark,
            suite=suite,
        )
        found: list[CheckedResult] = []
        for folder in listing(self._root / path).folders:
            result = Result(
                root=self._root, path=f"{path}/{folder}", rules=self._rules, benchmark=benchmark, system_facts=facts
            )
            known = (*allowed.required, *allowed.optional) if allowed else ()
            is_odd = result.is_closed and bool(known) and result.scenario not in known
            result.notes.judge(
                "scenario-not-allowed", result.path, wrong=is_odd, scenario=folder, benchmark=benchmark, suite=suite
            )
            found.append(_checked(result, suite, (*outer, notes)))
        yield from found
        if allowed:
            self._check_scenarios(notes, path, allowed.required, found)

    def _check_scenarios(self, notes: Notes, path: str, required: tuple[str, ...], found: list[CheckedResult]) -> None:
        there = {item.scenario for item in found if _has_performance(item)}
        missing = [name for name in required if name not in there]
        is_wrong = self._division != OPEN and missing
        notes.judge("scenario-missing", path, wrong=is_wrong, scenarios=", ".join(missing))


def _has_performance(result: CheckedResult) -> bool:
    return result.official or result.value is not None


def _checked(result: Result, suite: str, outer: tuple[Notes, ...]) -> CheckedResult:
    check_measurements(result)
    stated = check_accuracy(result)
    check_performance(result)
    watts = check_power(result) if has_power(result) else None
    compliance = check_compliance(result)
    value, unit, is_inferred = official_value(result)
    every = (*outer, result.notes)
    findings: tuple[SubmissionFinding, ...] = tuple(result.notes.found)
    return CheckedResult(
        path=result.path,
        division=result.division,
        submitter=result.submitter,
        system=result.system,
        model=result.model,
        benchmark=result.benchmark if result.facts else "",
        scenario=result.scenario,
        log_scenario=result.log_scenario,
        suite=suite,
        official=not any(notes.is_refused for notes in every),
        strict=all(notes.is_strict for notes in every),
        value=value,
        unit=unit,
        accuracy=stated.values,
        inferred=is_inferred,
        compliance=compliance,
        watts=watts,
        findings=findings,
        passed=result.notes.passed,
    )
