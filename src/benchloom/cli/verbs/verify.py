"""``loom verify``."""

import click

from benchloom.app.housekeeping import verify
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_findings, write_json
from benchloom.errors import EXIT_INTEGRITY


@verb("verify", example="loom verify")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
def command(session: Session, keys: tuple[str, ...]) -> int:
    """Verify every file of the store (or of entries whose keys start with KEY) by its digest.

    Exits 5 if files differ, are missing, or are unexpected.
    """
    with session.talk.progress("verifying the store", None, ""):
        found = verify(session.workspace, keys)
    if session.as_json:
        write_json(found)
    else:
        write_findings(found)
    wrong = [item for item in found if item.severity == "error"]
    damaged = len({item.subject for item in wrong})
    session.talk.note(f"{len({item.subject for item in found})} entries, {damaged} damaged")
    return EXIT_INTEGRITY if wrong else 0
