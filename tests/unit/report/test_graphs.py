import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from benchloom.model.base import to_json
from benchloom.model.plan import PLAN_SCHEMA, Candidate, Node, Plan, Platform
from benchloom.model.provision import InPlace
from benchloom.report.drawing import GridCell, Layout, layout, svg_text
from benchloom.report.graphs import GRAPH_SCHEMA, Graph, GraphLink, GraphNode, dot_text, graph_of, mermaid_text

SVG = "{http://www.w3.org/2000/svg}"


def node(name: str, *, needs: dict[str, str] | None = None, **fields: Any):
    about = {"component": name, "family": name} | {
        key: fields.pop(key) for key in ("version", "variations", "origin") if key in fields
    }
    return Node(id=name, candidate=Candidate(**about), provision=InPlace(), needs=needs or {}, **fields)


PLAN = Plan(
    schema=PLAN_SCHEMA,
    target="program:app",
    command="default",
    inputs={},
    env={},
    platform=Platform(os="linux", arch="x86_64", python="3.11"),
    nodes=(
        node("python", version="3.11", roles=("python",), origin="detected"),
        node("package:weights", version="1.2", variations=("fp32",), action="fetch", bytes=2048, roles=("model",)),
        node(
            "program:app",
            action="run",
            needs={"model": "package:weights", "extra": "package:weights", "python": "python"},
            reason='says "hello" & <more>',
        ),
    ),
)

DOT = r"""digraph plan {
  rankdir=LR;
  node [shape=box, style=rounded, fontname="sans-serif"];
  "python" [label="python\n@3.11\nreuse", tooltip=""];
  "package:weights" [label="package:weights\n@1.2 _fp32\nfetch, 2.0 KiB", tooltip=""];
  "program:app" [label="program:app\nrun", tooltip="says \"hello\" & <more>"];
  "program:app" -> "package:weights" [label="extra, model"];
  "program:app" -> "python" [label="python"];
}"""

MERMAID = """flowchart LR
  n0["python<br/>@3.11<br/>reuse"]
  n1["package:weights<br/>@1.2 _fp32<br/>fetch, 2.0 KiB"]
  n2["program:app<br/>run"]
  n2 -->|"extra, model"| n1
  n2 -->|"python"| n0"""


def test_dot_text_of_a_small_plan_is_golden():
    assert dot_text(graph_of(PLAN)) == DOT


def test_mermaid_text_of_a_small_plan_is_golden():
    assert mermaid_text(graph_of(PLAN)) == MERMAID


def test_mermaid_text_with_markup_in_a_name_writes_its_numbers():
    text = mermaid_text(graph_of(Plan(**{**fields_of(PLAN), "nodes": (node('a"]<b>'),)})))
    assert 'n0["a#34;#93;#60;b#62;<br/>reuse"]' in text


def test_graph_of_a_plan_links_with_all_roles_of_a_pair():
    graph = graph_of(PLAN)
    assert graph.schema == GRAPH_SCHEMA
    assert graph.links[0] == GraphLink(source="program:app", target="package:weights", roles=("extra", "model"))
    assert to_json(graph) == to_json(graph_of(PLAN))


def test_svg_text_of_a_small_plan_is_xml_that_says_everything():
    root = ET.fromstring(svg_text(graph_of(PLAN)))
    texts = [item.text for item in root.iter(f"{SVG}text")]
    for expected in ("package:weights", "@1.2 _fp32", "fetch, 2.0 KiB", "extra, model", "python", "run"):
        assert expected in texts
    titles = [item.text for item in root.iter(f"{SVG}title")]
    assert 'says "hello" & <more>' in titles
    assert "prefers-color-scheme:dark" in root.find(f"{SVG}style").text


def test_svg_text_with_markup_and_control_characters_in_names_stays_xml():
    hostile = '<script>&"\x00\ud800</script>'
    root = ET.fromstring(svg_text(graph_of(Plan(**{**fields_of(PLAN), "nodes": (node(hostile),)}))))
    assert '<script>&"</script>' in [item.text for item in root.iter(f"{SVG}text")]


def test_svg_text_of_an_empty_graph_is_xml():
    root = ET.fromstring(svg_text(Graph(schema=GRAPH_SCHEMA, target="x", command="", nodes=(), links=())))
    assert root.tag == f"{SVG}svg"


@st.composite
def graphs(draw: st.DrawFn):
    count = draw(st.integers(1, 14))
    words = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=30)
    names = draw(st.lists(words, min_size=count, max_size=count, unique=True))
    pairs = draw(st.sets(st.sampled_from(list(combinations(range(count), 2)) or [None]), max_size=30)) - {None}
    roles = st.sampled_from(["model", "dataset", "a much longer role, and another", "python"])
    return Graph(
        schema=GRAPH_SCHEMA,
        target="t",
        command="",
        nodes=tuple(GraphNode(id=name, component=name, action="reuse", origin="installed") for name in names),
        links=tuple(
            GraphLink(source=names[late], target=names[early], roles=(draw(roles),)) for early, late in sorted(pairs)
        ),
    )


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_layout_of_any_graph_keeps_boxes_apart_and_links_to_the_right(graph: Graph):
    drawn = layout(graph)
    assert len(drawn.boxes) == len(graph.nodes)
    for one, other in combinations(drawn.places, 2):
        assert apart(one, other), (one, other)
    for segment in drawn.segments:
        assert segment.end.x > segment.start.x + segment.start.width
        assert segment.end.y <= segment.end.port(segment.role) <= segment.end.y + segment.end.height
    assert all(inside(place, drawn) for place in drawn.places)
    ET.fromstring(svg_text(graph))


def test_layout_of_a_chain_takes_a_column_per_node_and_one_height():
    names = [f"n{number}" for number in range(5)]
    graph = Graph(
        schema=GRAPH_SCHEMA,
        target="n0",
        command="",
        nodes=tuple(GraphNode(id=name, component=name, action="run", origin="installed") for name in names),
        links=tuple(GraphLink(source=a, target=b, roles=("next",)) for a, b in pairwise(names)),
    )
    boxes = sorted(layout(graph).boxes, key=lambda place: place.x)
    assert [place.node.id for place in boxes] == names
    assert len({round(place.middle, 3) for place in boxes}) == 1


def apart(one: GridCell, other: GridCell):
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def inside(place: GridCell, drawn: Layout):
    return place.x >= 0 and place.y >= 0 and place.x + place.width <= drawn.width and place.y < drawn.height


def fields_of(plan: Plan):
    return {name: getattr(plan, name) for name in plan.__struct_fields__}
