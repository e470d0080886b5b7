"""A graph drawn as SVG, without Graphviz: columns by longest path, few crossings, no overlapping boxes.

Dependents are left of their requirements. A link that crosses a column gets its own lane there, so links never run
under boxes; links for the same role of the same node join on the way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from benchloom.report.graphs import Graph, GraphNode

PAD, LINE, PORT = 12.0, 18.0, 20.0
GAP_Y, LANE, TURN, MARGIN, TITLE = 22.0, 16.0, 64.0, 24.0, 34.0
SWEEPS = 8

_STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#1f2328}
.name{font-weight:600}.soft{fill:#59636e}.title{font-size:15px;font-weight:600}
.role{font-size:12px;fill:#59636e;text-anchor:end}
.page{fill:#fff}.box{fill:#f6f8fa;stroke:#8c959f}
.link{fill:none;stroke:#8c959f;stroke-width:1.4}.head{fill:#8c959f}
.go{fill:#0969da}.done{fill:#1a7f37}.make{fill:#9a6700}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}.soft,.role{fill:#9da7b3}
.page{fill:#0d1117}.box{fill:#161b22;stroke:#6e7681}.link{stroke:#6e7681}.head{fill:#6e7681}
.go{fill:#4493f8}.done{fill:#3fb950}.make{fill:#d29922}}
""".strip()

_TONE = {"run": "go", "reuse": "done", "detect": "done"}


@dataclass
class GridCell:
    """A box, or (``node`` None) the lane of a link that crosses a column. ``x``, ``y`` are the top left corner."""

    column: int
    node: GraphNode | None = None
    roles: list[str] = field(default_factory=list)
    width: float = 0.0
    height: float = LANE
    x: float = 0.0
    y: float = 0.0

    @property
    def middle(self) -> float:
        """Height of its horizontal middle line."""
        return self.y + self.height / 2

    def port(self, role: str) -> float:
        """Height at which links of ``role`` arrive."""
        if self.node is None:
            return self.middle
        return self.middle + (self.roles.index(role) - (len(self.roles) - 1) / 2) * PORT


@dataclass(frozen=True)
class Segment:
    """The part of a link from one column to the next; ``last`` if it ends at a box."""

    start: GridCell
    end: GridCell
    role: str

    @property
    def last(self) -> bool:
        """Whether it ends at a box."""
        return self.end.node is not None


@dataclass(frozen=True)
class Layout:
    """The positions of all elements, in pixels."""

    places: tuple[GridCell, ...]
    segments: tuple[Segment, ...]
    width: float
    height: float

    @property
    def boxes(self) -> tuple[GridCell, ...]:
        """The cells of nodes."""
        return tuple(place for place in self.places if place.node is not None)


def svg_text(graph: Graph) -> str:
    """Return a whole SVG document that is readable on light and dark pages."""
    drawn = layout(graph)
    command = f" ({graph.command})" if graph.command else ""
    title = f"plan for {graph.target}{command}"
    width = max(drawn.width, text_width(title, bold=True) * 15 / 13 + 2 * MARGIN)
    size = f'width="{width:.0f}" height="{drawn.height:.0f}" viewBox="0 0 {width:.0f} {drawn.height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{_escaped(title)}</title>",
        f"<style>{_STYLE}</style>",
        '<rect class="page" width="100%" height="100%"/>',
        f'<text class="title" x="{MARGIN:.0f}" y="{MARGIN + 10:.0f}">{_escaped(title)}</text>',
    ]
    lines += [_curve(segment) for segment in drawn.segments]
    lines += _arrivals(drawn)
    for place in drawn.boxes:
        lines += _box(place)
    return "\n".join([*lines, "</svg>"])


def layout(graph: Graph) -> Layout:
    """Place every node. No two boxes overlap; links go to the right."""
    places, segments = _places(graph)
    columns = _columns(places)
    _order(columns, segments)
    _stack(columns, segments)
    width, height = _spread(columns, segments)
    return Layout(places=tuple(p for column in columns for p in column), segments=segments, width=width, height=height)


def text_width(text: str, *, bold: bool = False) -> float:
    """A generous estimate of a text's width in pixels at 13 px in any sans-serif font."""
    width = sum(_em(char) for char in text) * 13
    return width * 1.08 if bold else width


def _em(char: str) -> float:
    if char in "ijl.,:;|!'()[]ft r-/":
        return 0.41
    if char in "mwMW@%":
        return 1.0
    return 0.64 if char.islower() or char.isdigit() or char == "_" else 0.76 if char.isascii() else 1.1


def _depths(graph: Graph) -> dict[str, int]:
    """Return each node's column: one more than the rightmost of its dependents. Plans list requirements first."""
    depth = {node.id: 0 for node in graph.nodes}
    targets: dict[str, list[str]] = {}
    for link in graph.links:
        targets.setdefault(link.source, []).append(link.target)
    waiting = dict.fromkeys(depth, 0)
    for link in graph.links:
        waiting[link.target] += 1
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        name = ready.pop()
        for target in targets.get(name, ()):
            depth[target] = max(depth[target], depth[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return depth


def _places(graph: Graph) -> tuple[list[GridCell], tuple[Segment, ...]]:
    depth = _depths(graph)
    boxes = {node.id: GridCell(column=depth[node.id], node=node) for node in graph.nodes}
    lanes: dict[tuple[str, str, int], GridCell] = {}
    segments: dict[tuple[int, int, str], Segment] = {}
    for link in graph.links:
        role, end = ", ".join(link.roles), boxes[link.target]
        if role not in end.roles:
            end.roles.append(role)
        start = boxes[link.source]
        for column in range(start.column + 1, end.column):
            lane = lanes.setdefault((link.target, role, column), GridCell(column=column))
            segments.setdefault((id(start), id(lane), role), Segment(start, lane, role))
            start = lane
        segments.setdefault((id(start), id(end), role), Segment(start, end, role))
    for place in boxes.values():
        _measure(place)
    return [*boxes.values(), *lanes.values()], tuple(segments.values())


def _measure(place: GridCell) -> None:
    assert place.node is not None
    lines = box_lines(place.node)
    place.roles.sort()
    place.width = max(text_width(text, bold=not number) for number, text in enumerate(lines)) + 2 * PAD + 6
    place.height = max(len(lines) * LINE + PAD, len(place.roles) * PORT + 4)


def box_lines(node: GraphNode) -> list[str]:
    """Return the text of a box: component, choice (if there is one), action."""
    return [node.component, *([node.choice] if node.choice else []), node.doing]


def _columns(places: Iterable[GridCell]) -> list[list[GridCell]]:
    found: dict[int, list[GridCell]] = {}
    for place in places:
        found.setdefault(place.column, []).append(place)
    return [found[column] for column in sorted(found)]


def _neighbours(segments: Sequence[Segment]) -> tuple[dict[int, list[GridCell]], dict[int, list[GridCell]]]:
    left: dict[int, list[GridCell]] = {}
    right: dict[int, list[GridCell]] = {}
    for segment in segments:
        left.setdefault(id(segment.end), []).append(segment.start)
        right.setdefault(id(segment.start), []).append(segment.end)
    return left, right


def _order(columns: list[list[GridCell]], segments: Sequence[Segment]) -> None:
    """Order each column by the mean rank of its neighbours, sweeping both ways; keep the order with fewest crossings."""
    left, right = _neighbours(segments)
    best, fewest = [list(column) for column in columns], _crossings(columns, segments)
    for sweep in range(SWEEPS):
        near = right if sweep % 2 else left
        for column in reversed(columns) if sweep % 2 else columns:
            rank = _ranks(columns)
            mean = {id(p): _mean((rank[id(q)] for q in near.get(id(p), ())), rank[id(p)]) for p in column}
            column.sort(key=lambda place: mean[id(place)])
        found = _crossings(columns, segments)
        if found < fewest:
            best, fewest = [list(column) for column in columns], found
    columns[:] = best


def _ranks(columns: Iterable[Sequence[GridCell]]) -> dict[int, float]:
    """Ranks from 0 to 1 within each column, so that columns of different length compare."""
    return {id(p): (number + 0.5) / len(column) for column in columns for number, p in enumerate(column)}


def _mean(values: Iterable[float], default: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else default


def _crossings(columns: Sequence[Sequence[GridCell]], segments: Sequence[Segment]) -> int:
    rank = _ranks(columns)
    by_column: dict[int, list[tuple[float, float]]] = {}
    for item in segments:
        by_column.setdefault(item.start.column, []).append((rank[id(item.start)], rank[id(item.end)]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for pairs in by_column.values()
        for number, a in enumerate(pairs)
        for b in pairs[:number]
    )


def _stack(columns: Sequence[list[GridCell]], segments: Sequence[Segment]) -> None:
    """Give each cell a height near the mean of its neighbours, keeping order and distance within its column."""
    left, right = _neighbours(segments)
    for column in columns:
        _settle(column, {})
    for sweep in range(SWEEPS):
        near = right if sweep % 2 == 0 else left
        for column in reversed(columns) if sweep % 2 == 0 else columns:
            wanted = {id(p): _mean((q.middle for q in near.get(id(p), ())), p.middle) for p in column}
            _settle(column, wanted)
    top = min((place.y for column in columns for place in column), default=0.0)
    for column in columns:
        for place in column:
            place.y += MARGIN + TITLE - top


def _settle(column: Sequence[GridCell], wanted: Mapping[int, float]) -> None:
    """Place the cells of a column as close to the ``wanted`` middles as order and distance allow (pool adjacent violators).

    After subtracting the stack height above each cell, the constraint becomes monotonicity, and violating runs
    share their mean.
    """
    offsets, total = [], 0.0
    for place in column:
        offsets.append(total)
        total += place.height + (GAP_Y if place.node else GAP_Y / 2)
    runs: list[tuple[float, int]] = []
    for place, offset in zip(column, offsets, strict=True):
        runs.append((wanted.get(id(place), place.height / 2 + offset) - place.height / 2 - offset, 1))
        while len(runs) > 1 and runs[-2][0] >= runs[-1][0]:
            (value, count), (before, many) = runs.pop(), runs.pop()
            runs.append(((value * count + before * many) / (count + many), count + many))
    bases = [value for value, count in runs for _ in range(count)]
    for place, offset, base in zip(column, offsets, bases, strict=True):
        place.y = base + offset


def _spread(columns: Sequence[Sequence[GridCell]], segments: Sequence[Segment]) -> tuple[float, float]:
    """Set the x of columns, with room for the role labels before each; return the size of the drawing."""
    x = MARGIN
    for number, column in enumerate(columns):
        if number:
            roles = [item.role for item in segments if item.end.column == column[0].column and item.last]
            x += TURN + max((_role_room(role) for role in roles), default=0.0)
        width = max(place.width for place in column)
        for place in column:
            place.x, place.width = x, width
        x += width
    bottom = max((place.y + place.height for column in columns for place in column), default=0.0)
    return x + MARGIN, bottom + MARGIN


def _role_room(role: str) -> float:
    return text_width(role) * 12 / 13 + 16


def _curve(segment: Segment) -> str:
    """A curve to the next column; straight inside a lane and at its role label."""
    x, y = segment.start.x + segment.start.width, segment.start.middle
    end_x, end_y = segment.end.x, segment.end.port(segment.role)
    turn = end_x - _role_room(segment.role) if segment.last else end_x
    half = (x + turn) / 2
    way = f"M{x:.1f} {y:.1f}C{half:.1f} {y:.1f} {half:.1f} {end_y:.1f} {turn:.1f} {end_y:.1f}"
    tail = f"H{end_x - 7:.1f}" if segment.last else f"h{segment.end.width:.1f}"
    return f'<path class="link" d="{way}{tail}"/>'


def _arrivals(drawn: Layout) -> list[str]:
    """One arrow head and role label per port, regardless of the number of links."""
    lines = []
    for place in drawn.boxes:
        for role in place.roles:
            x, y = place.x, place.port(role)
            lines.append(f'<path class="head" d="M{x:.1f} {y:.1f}l-8 -4v8z"/>')
            lines.append(f'<text class="role" x="{x - 11:.1f}" y="{y - 4:.1f}">{_escaped(role)}</text>')
    return lines


def _box(place: GridCell) -> list[str]:
    node = place.node
    assert node is not None
    lines = box_lines(node)
    tone = _TONE.get(node.action, "make")
    x, y, height = place.x, place.y, place.height
    text_y = y + (height - len(lines) * LINE) / 2 + 13
    drawn = [
        f'<g data-node="{_escaped(node.id)}">',
        f"<title>{_escaped(node.reason or node.id)}</title>",
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{place.width:.1f}" height="{height:.1f}" rx="6"/>',
        f'<rect class="{tone}" x="{x:.1f}" y="{y + 6:.1f}" width="4" height="{height - 12:.1f}" rx="2"/>',
    ]
    for number, text in enumerate(lines):
        style = "name" if not number else tone if number == len(lines) - 1 else "soft"
        drawn.append(
            f'<text class="{style}" x="{x + PAD + 4:.1f}" y="{text_y + number * LINE:.1f}">{_escaped(text)}</text>'
        )
    return [*drawn, "</g>"]


def _escaped(text: str) -> str:
    """Text for XML: markup is escaped, characters that XML forbids are removed."""
    kept = "".join(char for char in text if char >= " " and not "\ud800" <= char <= "\udfff" and char < "\ufffe")
    return escape(kept, {'"': "&quot;"})
