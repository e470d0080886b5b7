"""A drawing of a plan: text for Graphviz."""

from collections.abc import Iterator

from benchloom.report.formats import Block, Exact, Medium
from benchloom.report.graphs import Graph, dot_text

ENDINGS = (".dot", ".gv")


def render(value: Graph, medium: Medium) -> Iterator[Block]:
    """Yield the drawing."""
    del medium
    yield Exact(text=dot_text(value))
