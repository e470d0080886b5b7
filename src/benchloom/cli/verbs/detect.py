"""``loom detect``."""

import click

from benchloom.app.detecting import detect, forget_model, give_model, is_model
from benchloom.app.finding import nearest_to
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write, write_columns, write_json


@verb("detect", example="loom detect --tags=lib,python-package,numpy")
@click.argument("name", default="", metavar="[NAME]")
@click.option("--tags", default="", metavar="QUERY", help="Soft components by tags: tag,-tag.")
@click.option("--full_path", default="", metavar="PATH", help="Only this file or folder.")
@click.option("--search_dirs", default="", metavar="A,B", help="Folders to search first, separated by commas.")
@click.option("--forget", is_flag=True, help="Unregister the file of a model.")
def command(session: Session, name: str, tags: str, full_path: str, search_dirs: str, *, forget: bool) -> int:
    """Detect installed software and files with soft components: all, NAME, or by tags.

    A model is not detected but registered: loom detect soft:ml-model --tags=resnet50,opset-11 --full_path=FILE makes
    all later commands use FILE instead of the download of the model with these tags, whatever its digest (for one run:
    loom run --model_path=FILE).

    Exits 1 if nothing is found.
    """
    if forget or (full_path and (name or tags) and is_model(session.workspace, name, tags)):
        return _give(session, name, tags, "" if forget else full_path)
    search = [item for item in search_dirs.split(",") if item]
    with session.talk.progress("detecting software", None, ""):
        found = detect(session.workspace, name, tags, full_path=full_path, search=search)
    if session.as_json:
        write_json(found)
    else:
        write_columns([(item.component, item.version or "unknown version", item.location or "-") for item in found])
        if not found:
            hint = nearest_to(session.workspace, ("soft",), tags)
            session.talk.note(f"nothing found; {hint}" if hint else "nothing found")
    return 0 if found else 1


def _give(session: Session, name: str, tags: str, path: str) -> int:
    found = give_model(session.workspace, name, tags, path) if path else forget_model(session.workspace, name, tags)
    if session.as_json:
        write_json((found,) if found else ())
    elif not found:
        session.talk.note("no file was registered for it")
    elif path:
        write(f"{found.component} now uses {found.location}")
        session.talk.note(f"to undo: loom detect {found.component} --forget")
    else:
        write(f"{found.component} no longer uses {found.location}")
    return 0 if found else 1
