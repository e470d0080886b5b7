"""One shape for everything lint, doctor and verify have to say."""

from typing import Literal

from benchloom.model.base import SchemaTable, Value

Severity = Literal["error", "warning", "info", "pass"]


class Finding(Value, frozen=True, kw_only=True):
    """A checked fact about one subject.

    Attributes:
        rule: stable id of the check, such as ``unknown-key``.
        severity: ``error`` makes lint and verify exit non-zero; ``warning`` and ``info`` do not.
        subject: component reference, store key or file.
        message: one sentence.
        file: path relative to the repository root (or absolute outside one).
        line: 1-based line in ``file``; 0 if there is none.
        key: dotted key inside the file, such as ``run_deps.model.tags``.
        fix: what to do next.
    """

    rule: str
    severity: Severity
    subject: str
    message: str
    file: str = ""
    line: int = 0
    key: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """Render as ``file:line: severity: message [rule] (key)``."""
        place = f"{self.file}:{self.line}" if self.line else self.file or self.subject
        key = f" (at {self.key})" if self.key else ""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{place}: {self.severity}: {self.message}{key}{fix} [{self.rule}]"


SCHEMAS: SchemaTable = {"findings": (tuple[Finding, ...], "loom lint, loom doctor and loom verify with --json")}
