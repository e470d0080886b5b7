"""``loom plan``."""

from pathlib import Path
from typing import Any

from benchloom.app.planning import plan
from benchloom.cli.common import Session, verb
from benchloom.cli.reports import report_options, write_report
from benchloom.cli.request import parse_request, request_options


@verb("plan", free=True, example="loom plan program:image-classification-onnx --dep_add_tags.model=digits")
@request_options
@report_options("plan")
def command(session: Session, *, format_: str | None, output: Path | None, **asked: Any) -> None:
    """Show the whole graph of TARGET before anything runs: choices, reasons, actions, bytes to fetch, digests.

    Changes nothing: no download, no installation, no processes except version checks. Exits 3 if requirements conflict.
    """
    made = plan(session.workspace, parse_request(**asked))
    write_report(session, "plan", made, format_=format_, output=output)
