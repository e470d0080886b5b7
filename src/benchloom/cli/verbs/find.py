"""``loom find``."""

import click

from benchloom.app.finding import find, nearest_to
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_columns, write_json


@verb("find", example="loom find package --tags=model,onnx")
@click.argument("words", nargs=-1, metavar="[KIND|NAME|WORD]...")
@click.option("--tags", default="", metavar="QUERY", help="Required tags; -tag excludes one; _name is a variation.")
def command(session: Session, words: tuple[str, ...], tags: str) -> int:
    """List components: all, of a KIND, by name pattern (KIND:ALIAS with * and ?) or by any WORD of names, tags and summaries.

    All words and --tags must match.

    Exits 1 if nothing is found.
    """
    found = find(session.workspace, words, tags)
    if session.as_json:
        write_json(found)
    else:
        write_columns([(item.ref, item.summary or ",".join(item.tags)) for item in found])
        if not found:
            hint = nearest_to(session.workspace, words, tags)
            session.talk.note(f"nothing found; {hint}" if hint else "nothing found")
    return 0 if found else 1
