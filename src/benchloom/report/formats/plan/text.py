"""A plan for people."""

from collections.abc import Iterator

from benchloom.model.plan import Plan
from benchloom.report.formats import Block, Medium
from benchloom.report.plans import plan_text

ENDINGS = (".txt",)


def render(value: Plan, medium: Medium) -> Iterator[Block]:
    """Yield the whole graph, a paragraph per node, and a summary of actions."""
    del medium
    yield plan_text(value)
