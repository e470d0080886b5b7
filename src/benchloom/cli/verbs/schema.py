"""``loom schema``."""

from pathlib import Path

import click

from benchloom.app.schemas import listing, schema, schemas, write_schemas
from benchloom.authoring.documentation import write_reference
from benchloom.cli.common import Session, verb
from benchloom.cli.help import all_verbs, common_options
from benchloom.cli.render import write_columns, write_json
from benchloom.errors import InputError


def _names(_ctx: click.Context, _param: click.Parameter, word: str) -> list[str]:
    return [name for name in schemas() if name.startswith(word)]


@verb("schema", example="loom schema plan")
@click.argument("name", default="", metavar="[NAME]", shell_complete=_names)
@click.option("--write", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write all to this folder.")
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    hidden=True,
    help="Write the generated reference of the documentation to this folder.",
)
def command(session: Session, name: str, folder: Path | None, docs: Path | None) -> None:
    """List the JSON Schemas of --json output and of component files; print that of NAME.

    Editors can check component files with program, package, soft, dataset (.cm/meta.json) and script (_cm.yaml).
    """
    if name and (folder or docs):
        raise InputError("--write writes all schemas", where="command line", fix="omit the name")
    if folder or docs:
        written = write_schemas(folder) if folder else ()
        written += write_reference(docs, all_verbs(), common_options(), schemas()) if docs else ()
        write_json([str(path) for path in written]) if session.as_json else write_columns([(str(p),) for p in written])
    elif name:
        write_json(schema(name))
    elif session.as_json:
        write_json(listing())
    else:
        write_columns([(item.name, item.summary) for item in listing()])
