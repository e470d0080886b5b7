"""A plan as a graph: nodes and links as a value, and its renderings as dot and Mermaid text.

``report.drawing`` draws the same value as SVG. Links point from dependents to requirements.
"""

import json

from benchloom.base.units import human_bytes
from benchloom.model.base import Document, SchemaName, SchemaTable, Value
from benchloom.model.plan import Action, Node, Origin, Plan

GRAPH_SCHEMA = "benchloom.graph/1"


class GraphNode(Value, frozen=True, kw_only=True):
    """One node of a plan, less what a drawing does not show.

    Attributes:
        id: the node's id in the plan.
        component: reference of the component.
        action: what the executor will do.
        origin: whether it is installed, detected or installable.
        version: its version.
        variations: its variations.
        roles: the roles it fills.
        reason: why it was chosen.
        bytes: what it downloads; null if that is not known.
    """

    id: str
    component: str
    action: Action
    origin: Origin
    version: str = ""
    variations: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    reason: str = ""
    bytes: int | None = 0

    @property
    def choice(self) -> str:
        """The version and variations chosen, as a query writes them; empty if there are none."""
        words = [f"@{self.version}"] if self.version else []
        return " ".join([*words, *(f"_{name}" for name in self.variations)])

    @property
    def doing(self) -> str:
        """The action, with the size of a download."""
        return self.action if self.bytes == 0 else f"{self.action}, {human_bytes(self.bytes)}"


class GraphLink(Value, frozen=True, kw_only=True):
    """A need: one node is built from, or runs with, another.

    Attributes:
        source: id of the node that needs.
        target: id of the node that is needed.
        roles: the roles that the target fills for the source, sorted.
    """

    source: str
    target: str
    roles: tuple[str, ...]


class Graph(Document, frozen=True, kw_only=True):
    """A plan in node-link form.

    Attributes:
        target: what was asked for.
        command: the command of the program.
        nodes: in the plan's order.
        links: by source, then target.
    """

    schema: SchemaName
    target: str
    command: str
    nodes: tuple[GraphNode, ...]
    links: tuple[GraphLink, ...]


SCHEMAS: SchemaTable = {"graph": (Graph, "loom graph --json")}


def graph_of(plan: Plan) -> Graph:
    """Return the graph of ``plan``."""
    return Graph(
        schema=GRAPH_SCHEMA,
        target=plan.target,
        command=plan.command,
        nodes=tuple(_node(item) for item in plan.nodes),
        links=tuple(link for item in plan.nodes for link in _links(item)),
    )


def _node(node: Node) -> GraphNode:
    return GraphNode(
        id=node.id,
        component=node.candidate.component,
        action=node.action,
        origin=node.candidate.origin,
        version=node.candidate.version,
        variations=node.candidate.variations,
        roles=node.roles,
        reason=node.reason,
        bytes=node.bytes,
    )


def _links(node: Node) -> list[GraphLink]:
    roles: dict[str, list[str]] = {}
    for role, target in node.needs.items():
        roles.setdefault(target, []).append(role)
    return [
        GraphLink(source=node.id, target=target, roles=tuple(sorted(names))) for target, names in sorted(roles.items())
    ]


def dot_text(graph: Graph) -> str:
    """Return the graph in the language of Graphviz."""
    lines = ["digraph plan {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for node in graph.nodes:
        label = "\n".join(_label(node))
        lines.append(f"  {_quoted(node.id)} [label={_quoted(label)}, tooltip={_quoted(node.reason)}];")
    for link in graph.links:
        label = ", ".join(link.roles)
        lines.append(f"  {_quoted(link.source)} -> {_quoted(link.target)} [label={_quoted(label)}];")
    return "\n".join([*lines, "}"])


def mermaid_text(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart."""
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        label = "<br/>".join(_mermaid(line) for line in _label(node))
        lines.append(f'  {names[node.id]}["{label}"]')
    for link in graph.links:
        roles = _mermaid(", ".join(link.roles))
        lines.append(f'  {names[link.source]} -->|"{roles}"| {names[link.target]}')
    return "\n".join(lines)


def _label(node: GraphNode) -> list[str]:
    return [line for line in (node.component, node.choice, node.doing) if line]


def _quoted(text: str) -> str:
    """A dot string: JSON's quoting of quotes, backslashes and line ends is dot's too."""
    return json.dumps(text, ensure_ascii=False)


def _mermaid(text: str) -> str:
    """Text with the special characters of Mermaid and HTML replaced by their codes."""
    return "".join(char if char.isalnum() or char in " .,:_-/@=+" else f"#{ord(char)};" for char in text)
