"""``loom new``."""

import click

from benchloom.authoring.skeleton import TEMPLATES, Template, new
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write, write_json


@verb("new", example="loom new package:my-model --tags=model,onnx,my-model --dir ~/my-components")
@click.argument("name", metavar="KIND:ALIAS")
@click.option(
    "--dir", "directory", default="", metavar="PATH", help="The repository [default: the first writable one]."
)
@click.option("--tags", default="", metavar="TAGS", help="Its tags, separated by commas.")
@click.option(
    "--template", type=click.Choice(TEMPLATES), default="model", show_default=True, help="The kind of a package."
)
def command(session: Session, name: str, directory: str, tags: str, template: Template) -> None:
    """Create the skeleton of a component and list what to fill in. Existing files are not changed."""
    created = new(session.workspace.repositories, name, directory=directory, tags=tags, template=template)
    if session.as_json:
        write_json(created)
        return
    for file in created.files:
        write(file)
    for step in created.next:
        session.talk.note(f"next: {step}")
