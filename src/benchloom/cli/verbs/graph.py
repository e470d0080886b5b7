"""``loom graph``."""

from pathlib import Path
from typing import Any

import click

from benchloom.app.planning import plan
from benchloom.base.atomic import write_text
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_exact, write_json
from benchloom.cli.request import parse_request, request_options
from benchloom.errors import InputError
from benchloom.model.base import to_json
from benchloom.report.drawing import svg_text
from benchloom.report.graphs import FORMATS, Graph, dot_text, graph_of, mermaid_text

_ENDINGS = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".json": "json"}


@verb("graph", free=True, example="loom graph program:image-classification-onnx --output=plan.svg")
@request_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="How to draw it; the ending of --output says it too. Without either: svg.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to this file.")
def command(session: Session, *, format_: str | None, output: Path | None, **asked: Any) -> None:
    """Draw the plan of TARGET: what needs stands left of what is needed, with what will be done about each.

    svg is a picture for browsers and documents, dot is for Graphviz, mermaid is for Markdown, json is nodes and links.
    Like loom plan, this touches nothing.
    """
    graph = graph_of(plan(session.workspace, parse_request(**asked)))
    format_ = "json" if session.as_json else format_ or (_ENDINGS.get(output.suffix.lower()) if output else None)
    if output is None:
        write_json(graph) if format_ == "json" else write_exact(_text(graph, format_ or "svg"))
    else:
        _save(output, to_json(graph).decode() if format_ == "json" else f"{_text(graph, format_ or 'svg')}\n")
        session.talk.note(f"written to {output}")


def _text(graph: Graph, format_: str) -> str:
    return {"svg": svg_text, "dot": dot_text, "mermaid": mermaid_text}[format_](graph)


def _save(output: Path, text: str) -> None:
    try:
        write_text(output, text)
    except OSError as error:
        raise InputError("the file cannot be written", where=str(output), why=[error.strerror or str(error)]) from error
