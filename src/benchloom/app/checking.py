"""Lint: check components, after applying automatic fixes if requested."""

from collections.abc import Sequence

from benchloom.app.workspace import Workspace
from benchloom.authoring.linting import LintScope, fix_identity, lint, refuse_unknown_rule
from benchloom.model.finding import Finding


def lint_components(
    workspace: Workspace, words: Sequence[str] = (), *, only: str = "", fix: bool = False
) -> tuple[tuple[Finding, ...], int]:
    """Return the findings on what ``words`` name (everything by default), and the number of components checked.

    ``only`` is one rule; ``fix`` first rewrites the tables for CK and CM. Raises UnknownNameError for an unknown word
    or rule.
    """
    refuse_unknown_rule(only)
    if fix:
        fix_identity(_scope(workspace), words)
        workspace = Workspace(workspace.environ, talk=workspace.talk, offline=workspace.offline)
    return lint(_scope(workspace), words, only=only)


def _scope(workspace: Workspace) -> LintScope:
    return LintScope(workspace.repositories, workspace.index, workspace.locations.index)
