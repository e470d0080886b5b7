"""A plan as a table: one row per node."""

from collections.abc import Iterator

from benchloom.model.plan import Plan
from benchloom.report.formats import Medium, Table

_HEADS = ("action", "component", "version", "variations", "roles", "bytes", "because")


def tables(value: Plan, medium: Medium) -> Iterator[Table]:
    """Yield the nodes in the order of execution."""
    del medium
    rows = [
        (
            node.action,
            node.candidate.component,
            node.candidate.version,
            " ".join(node.candidate.variations),
            " ".join(node.roles),
            "unknown" if node.bytes is None else str(node.bytes),
            node.reason,
        )
        for node in value.nodes
    ]
    yield Table(rows=(_HEADS, *rows))
