"""Facts from the ruleset of a plan that affect its run."""

from benchloom.app.workspace import Workspace
from benchloom.model.component import RULESET
from benchloom.model.plan import Plan


def is_official(made: Plan) -> bool:
    """Tell whether results of ``made`` can be submitted."""
    node = made.in_role(RULESET)
    return bool(node and node.facts.ruleset and node.facts.ruleset.is_official)


def known_rulesets(workspace: Workspace) -> tuple[str, ...]:
    """Return the names of all rulesets."""
    return tuple(item.alias for item in workspace.index.components if item.kind == RULESET)
