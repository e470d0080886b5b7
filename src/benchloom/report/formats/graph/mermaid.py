"""A drawing of a plan: text for Markdown."""

from collections.abc import Iterator

from benchloom.report.formats import Block, Exact, Medium
from benchloom.report.graphs import Graph, mermaid_text

ENDINGS = (".mmd", ".mermaid")


def render(value: Graph, medium: Medium) -> Iterator[Block]:
    """Yield the drawing."""
    del medium
    yield Exact(text=mermaid_text(value))
