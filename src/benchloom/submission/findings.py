"""The words of findings, which are data, and the collector that checks write into."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from benchloom.model.base import Value
from benchloom.model.submission import FindingSeverity, Reaction, SubmissionFinding
from benchloom.model.submission_rules import SubmissionRules

OPEN = "open"


class CheckText(Value, frozen=True, kw_only=True):
    """What a check is about.

    Attributes:
        scope: what it looks at; a finding of a submitter, system or model is one of all its results.
        severity: of its findings.
        open: their severity in the open division, if it is another.
        title: what is checked.
        text: the finding, with the names of its facts in braces.
        reference: the rule.
        fix: what to do next.
    """

    scope: Literal["root", "division", "submitter", "system", "model", "result"]
    severity: FindingSeverity
    open: FindingSeverity | None = None
    title: str
    text: str
    reference: str
    fix: str


@cache
def check_texts() -> dict[str, CheckText]:
    """Return the checks by code."""
    data = files(__package__).joinpath("findings.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, CheckText])


class Notes:
    """What was checked of one thing, and what was found."""

    def __init__(self, rules: SubmissionRules, division: str) -> None:
        self._rules, self.division = rules, division
        self.found: list[SubmissionFinding] = []
        self.judged: set[str] = set()

    def judge(self, code: str, path: str, *, wrong: object, **facts: Any) -> bool:
        """Note that ``code`` was checked, with a finding if ``wrong`` is true; return whether it is."""
        self.judged.add(code)
        if wrong:
            words, reaction = check_texts()[code], self._reaction(code)
            severity = (words.open if self.division == OPEN else None) or words.severity
            item = SubmissionFinding(
                code=code,
                severity=severity if reaction == "accepts" else "error",  # the strict verdict is never the milder one
                official=reaction,
                title=words.title,
                text=words.text.format(**facts),
                path=path,
                reference=words.reference,
                fix=words.fix,
            )
            if item not in self.found:
                self.found.append(item)
        return bool(wrong)

    def relevant(self, errors: Sequence[str]) -> tuple[str, ...]:
        """Return the errors of LoadGen that the round does not ignore."""
        return tuple(item for item in errors if not any(part in item for part in self._rules.ignored_errors))

    def _reaction(self, code: str) -> Reaction:
        is_let_pass = self.division == OPEN and code in self._rules.open_accepts
        if code in self._rules.refuses and not is_let_pass:
            return "refuses"
        return "objects" if code in self._rules.objects else "accepts"

    def take(self, other: "Notes") -> None:
        """Take over what was checked and found elsewhere."""
        self.judged |= other.judged
        self.found += [item for item in other.found if item not in self.found]

    @property
    def passed(self) -> tuple[str, ...]:
        """Codes of what was checked and found well."""
        return tuple(sorted(self.judged - {item.code for item in self.found}))

    @property
    def is_refused(self) -> bool:
        """Whether the official checker publishes no result because of a finding here."""
        return any(item.official == "refuses" for item in self.found)

    @property
    def is_strict(self) -> bool:
        """Whether no finding here is an error."""
        return all(item.severity != "error" for item in self.found)
