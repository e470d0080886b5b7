"""``loom show``."""

import click

from benchloom.app.showing import show
from benchloom.cli.common import Session, verb
from benchloom.cli.complete import complete_component
from benchloom.cli.render import write, write_json
from benchloom.report.components import component_text


@verb("show", example="loom show program:image-classification-onnx")
@click.argument("name", default="", metavar="NAME", shell_complete=complete_component)
@click.option("--tags", default="", metavar="QUERY", help="Select the component by tags; NAME may be its kind.")
def command(session: Session, name: str, tags: str) -> None:
    """Show everything known about one component, by KIND:ALIAS, alias or uid, or by --tags.

    Tags, versions, variations, requirements, downloads, typed facts, commands and inputs, files, and findings.
    """
    if not (name or tags):
        raise click.UsageError("Missing argument 'NAME'")
    shown = show(session.workspace, name, tags)
    if session.as_json:
        write_json(shown.component)
    else:
        write(component_text(shown.component, shown.folder, shown.files, shown.findings))
