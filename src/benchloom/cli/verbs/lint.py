"""``loom lint``."""

import click

from benchloom.app.checking import lint_components
from benchloom.authoring.linting import rules
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_columns, write_findings, write_json


@verb("lint", example="loom lint package:model-digits-onnx")
@click.argument("words", nargs=-1, metavar="[PATH|NAME]...")
@click.option("--rule", "only", default="", metavar="ID", help="Only this rule.")
@click.option("--list-rules", is_flag=True, help="List the rules and stop.")
@click.option("--fix", is_flag=True, help="Apply automatic fixes: update the tables for CK and CM.")
def command(session: Session, words: tuple[str, ...], only: str, list_rules: bool, fix: bool) -> int:
    """Check components: all, or those of repositories, folders and names given. Exits 1 if there are errors."""
    if list_rules:
        known = rules()
        if session.as_json:
            write_json(known)
        else:
            write_columns([(item.group, item.id, item.description) for item in known])
        return 0
    with session.talk.progress("checking components", None, ""):
        found, looked_at = lint_components(session.workspace, words, only=only, fix=fix)
    if session.as_json:
        write_json(found)
    else:
        write_findings(found)
    counts = [f"{sum(item.severity == kind for item in found)} {kind}s" for kind in ("error", "warning")]
    session.talk.note(f"{looked_at} components: {', '.join(counts)}")
    return 1 if any(item.severity == "error" for item in found) else 0
