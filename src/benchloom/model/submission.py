"""What a check of a submission found: results with two verdicts each, and findings."""

from typing import Literal, TypeAlias

from benchloom.model.base import Document, SchemaTable, Value

FindingSeverity: TypeAlias = Literal["error", "warning", "note"]
# What the round's official checker does about a finding: publishes no result, exits with an error, or nothing.
Reaction: TypeAlias = Literal["refuses", "objects", "accepts"]


class SubmissionFinding(Value, frozen=True, kw_only=True):
    """One thing that is wrong with a submission.

    Attributes:
        code: stable id of the check.
        severity: ``error`` makes a submission unacceptable under the strict verdict.
        official: what the round's official checker does about it.
        title: what the check is about.
        text: what was found.
        path: file or folder, from the submission's root.
        reference: the rule.
        fix: what to do next.
    """

    code: str
    severity: FindingSeverity
    official: Reaction
    title: str
    text: str
    path: str
    reference: str
    fix: str


class CheckedResult(Value, frozen=True, kw_only=True):
    """One scenario of one model on one system.

    Attributes:
        path: its folder, from the submission's root.
        division: its division.
        submitter: name of the submitter's folder.
        system: name of the system's folder.
        model: name of the model's folder.
        benchmark: MLPerf's name of the benchmark that the model is submitted to; empty if unknown.
        scenario: the folder's scenario, spelt as LoadGen does.
        log_scenario: the scenario that LoadGen ran; '' if no log says it.
        suite: the system's type.
        official: whether the round's official checker publishes the result.
        strict: whether no finding of it, of its model, system or submitter is an error.
        value: the official figure, in ``unit``; null if there is no figure.
        unit: ms, samples/s …
        accuracy: the text of each metric in accuracy.txt, by the checker's name.
        inferred: whether the value was computed from another scenario's log.
        compliance: whether the compliance tests pass; null if none are required.
        watts: mean power during the run; null without power logs.
        findings: of this result alone.
        passed: codes of the checks that found nothing wrong.
    """

    path: str
    division: str
    submitter: str
    system: str
    model: str
    benchmark: str
    scenario: str
    log_scenario: str
    suite: str
    official: bool
    strict: bool
    value: float | None = None
    unit: str = ""
    accuracy: dict[str, str] = {}
    inferred: bool = False
    compliance: bool | None = None
    watts: float | None = None
    findings: tuple[SubmissionFinding, ...] = ()
    passed: tuple[str, ...] = ()


class SubmissionCheck(Document, frozen=True, kw_only=True):
    """A checked submission.

    Attributes:
        root: its folder.
        round: the round whose rules were used.
        ruleset: the component that states them.
        checker: the official checker whose verdict ``official`` is meant to equal.
        official: whether that checker would accept the submission.
        strict: whether nothing is an error.
        results: by path.
        findings: of the root, submitters, systems and models.
        passed: codes of the checks of those that found nothing wrong.
    """

    root: str
    round: str
    ruleset: str
    checker: str
    official: bool
    strict: bool
    results: tuple[CheckedResult, ...]
    findings: tuple[SubmissionFinding, ...]
    passed: tuple[str, ...]


SCHEMAS: SchemaTable = {"submission": (SubmissionCheck, "loom submit check --json")}
