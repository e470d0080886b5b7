"""``loom graph``."""

from pathlib import Path
from typing import Any

from benchloom.app.planning import plan
from benchloom.cli.common import Session, verb
from benchloom.cli.reports import report_options, write_report
from benchloom.cli.request import parse_request, request_options
from benchloom.report.graphs import graph_of


@verb("graph", free=True, example="loom graph program:image-classification-onnx --output=plan.svg")
@request_options
@report_options("graph", default="svg")
def command(session: Session, *, format_: str | None, output: Path | None, **asked: Any) -> None:
    """Draw the plan of TARGET: dependents on the left, requirements on the right, each with its action.

    svg is a picture for browsers and documents, dot is for Graphviz, mermaid is for Markdown, json is nodes and links.
    Like loom plan, this changes nothing.
    """
    graph = graph_of(plan(session.workspace, parse_request(**asked)))
    write_report(session, "graph", graph, format_=format_, output=output, default="svg")
