"""A plan as text for people."""

from collections.abc import Iterator

from benchloom.base.units import human_bytes
from benchloom.model.plan import Node, Plan
from benchloom.model.provision import PythonEnvironment


def plan_text(plan: Plan) -> str:
    """Return the whole graph, a block per node in the order of execution, and a summary of actions."""
    command = f" ({plan.command})" if plan.command else ""
    lines = [
        f"plan for {plan.target}{command} on {plan.platform.os} {plan.platform.arch}, Python {plan.platform.python}"
    ]
    for node in plan.nodes:
        lines += _block(node, plan)
    return "\n".join([*lines, "", _summary(plan)])


def _block(node: Node, plan: Plan) -> Iterator[str]:
    return iter(["", f"{node.action:8} {node.candidate.label}", *(f"         {line}" for line in _facts(node, plan))])


def _facts(node: Node, plan: Plan) -> Iterator[str]:
    if node.roles:
        requirers = sorted({f"{item.requirer}" for item in node.required_by})
        yield f"as       {', '.join(node.roles)}" + (f"  for {', '.join(requirers)}" if requirers else "")
    yield f"because  {node.reason}"
    if node.repo in plan.added_repositories:
        yield f"from     repository {node.repo}"
    if node.candidate.location:
        yield f"found    {node.candidate.location}"
    if node.needs:
        yield f"needs    {', '.join(node.needs)}"
    if isinstance(node.provision, PythonEnvironment):
        yield f"pip      {' '.join(node.provision.pip)}"
    for item in node.fetch:
        size = "" if item.path else f"  {human_bytes(item.size)}"
        yield f"file     {item.url or item.path}{size}  {item.digest or f'unpinned: {item.unpinned}'}"


def _summary(plan: Plan) -> str:
    counts: dict[str, int] = {}
    for node in plan.nodes:
        counts[node.action] = counts.get(node.action, 0) + 1
    known = sum(node.bytes or 0 for node in plan.nodes)
    unknown = [node.id for node in plan.nodes if node.bytes is None]
    fetch = f"to fetch: {human_bytes(known)}"
    if unknown:
        fetch += f" and an unknown amount for {', '.join(unknown)}"
    return f"{', '.join(f'{count} to {action}' for action, count in sorted(counts.items()))}; {fetch}"
