"""How a component is detected on a machine."""

from collections.abc import Iterator

from benchloom.authoring.lint_rules.seam import LintSubject, rule
from benchloom.model.finding import Finding
from benchloom.store.commands import why_not_run


@rule("version-command")
def _version_command(subject: LintSubject) -> Iterator[Finding]:
    """The version command of a program does not require a trusted repository."""
    block = subject.component.detect.executable if subject.component.detect else None
    if block and (why := why_not_run(block)):
        message = f"planning does not run this version command unless the repository is trusted: {why}"
        yield subject.finding("info", message, ("detect", "executable"), f"loom repo trust {subject.repository.alias}")
