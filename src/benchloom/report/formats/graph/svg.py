"""A drawing of a plan: an image for browsers and documents."""

from collections.abc import Iterator

from benchloom.report.drawing import svg_text
from benchloom.report.formats import Block, Exact, Medium
from benchloom.report.graphs import Graph

ENDINGS = (".svg",)


def render(value: Graph, medium: Medium) -> Iterator[Block]:
    """Yield the drawing."""
    del medium
    yield Exact(text=svg_text(value))
