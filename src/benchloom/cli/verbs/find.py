"""``loom find``."""

import click

from benchloom.app.finding import find
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_columns, write_json


@verb("find", example="loom find package --tags=model,onnx")
@click.argument("pattern", default="")
@click.option(
    "--tags", default="", metavar="QUERY", help="Tags that must be there; -tag must not; _name is a variation."
)
def command(session: Session, pattern: str, tags: str) -> int:
    """List components: all, of a KIND, or by name pattern (KIND:ALIAS with * and ?), narrowed by tags.

    Exits 1 where nothing is found.
    """
    found = find(session.workspace, pattern, tags)
    if session.as_json:
        write_json(found)
    else:
        write_columns([(item.ref, item.summary or ",".join(item.tags)) for item in found])
        if not found:
            session.talk.note("nothing found")
    return 0 if found else 1
