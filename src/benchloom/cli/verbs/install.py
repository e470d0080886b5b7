"""``loom install``."""

from typing import Any

import click

from benchloom.app.running import install
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_columns, write_json
from benchloom.cli.request import parse_request, request_options


@verb("install", free=True, example="loom install --tags=model,onnx,digits")
@request_options
@click.option("--jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Nodes to prepare concurrently.")
def command(session: Session, jobs: int, **asked: Any) -> None:
    """Install TARGET and its requirements: download, verify, extract, build. Existing results are reused."""
    installed = install(session.workspace, parse_request(**asked), jobs)
    if session.as_json:
        write_json(installed)
    else:
        write_columns([(node.id, node.action, node.path or "-") for node in installed.nodes])
