"""``loom plan``."""

from typing import Any

from benchloom.app.planning import plan
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write, write_json
from benchloom.cli.request import parse_request, request_options
from benchloom.report.plans import plan_text


@verb("plan", free=True, example="loom plan program:image-classification-onnx --dep_add_tags.model=digits")
@request_options
def command(session: Session, **asked: Any) -> None:
    """Show the whole graph of TARGET before anything runs: choices, reasons, actions, bytes to fetch, digests.

    Touches nothing: no download, no installation, no process but version checks. Exits 3 where requirements conflict.
    """
    made = plan(session.workspace, parse_request(**asked))
    if session.as_json:
        write_json(made)
    else:
        write(plan_text(made))
