"""What a plan's ruleset says of how it is to be run."""

from benchloom.app.workspace import Workspace
from benchloom.model.component import RULESET
from benchloom.model.plan import Plan


def is_official(workspace: Workspace, made: Plan) -> bool:
    """Tell whether results of ``made`` are meant to be submitted."""
    chosen = (workspace.index.get(node.candidate.component).ruleset for node in made.nodes if RULESET in node.roles)
    return any(item is not None and item.is_official for item in chosen)


def known_rulesets(workspace: Workspace) -> tuple[str, ...]:
    """Return the names of all rulesets."""
    return tuple(item.alias for item in workspace.index.components if item.kind == RULESET)
