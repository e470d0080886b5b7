"""``loom detect``."""

import click

from benchloom.app.detecting import detect
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_columns, write_json


@verb("detect", example="loom detect --tags=lib,python-package,numpy")
@click.argument("name", default="", metavar="[NAME]")
@click.option("--tags", default="", metavar="QUERY", help="Soft components by tags: tag,-tag.")
@click.option("--full_path", default="", metavar="PATH", help="Only what is this very file or folder.")
@click.option("--search_dirs", default="", metavar="A,B", help="Folders to look into first, separated by commas.")
def command(session: Session, name: str, tags: str, full_path: str, search_dirs: str) -> int:
    """Look for installed software and files as soft components describe them: all, NAME, or by tags.

    Exits 1 where nothing is found.
    """
    search = [item for item in search_dirs.split(",") if item]
    found = detect(session.workspace, name, tags, full_path=full_path, search=search)
    if session.as_json:
        write_json(found)
    else:
        write_columns([(item.component, item.version or "unknown version", item.location or "-") for item in found])
        if not found:
            session.talk.note("nothing found")
    return 0 if found else 1
