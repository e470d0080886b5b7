"""Locks: made from plans, compared with plans, and fed back as requirements."""

from benchloom.model.component import Fetch, Requirement
from benchloom.model.lock import LOCK_SCHEMA, Lock, LockedNode
from benchloom.model.plan import Node, Plan
from benchloom.model.provision import PythonEnvironment
from benchloom.model.query import Query

_PLATFORM_NODES = frozenset({"python"})


def make_lock(plan: Plan) -> Lock:
    """Return ``plan`` without its host facts: origins, actions, keys, locations and the platform."""
    return Lock(
        schema=LOCK_SCHEMA,
        target=plan.target,
        command=plan.command,
        inputs=plan.inputs,
        env=plan.env,
        nodes=tuple(_locked(node) for node in plan.nodes),
    )


def _locked(node: Node) -> LockedNode:
    is_shared = not node.files  # fields that do not depend on the repository's wording
    return LockedNode(
        id=node.candidate.family if is_shared else node.id,
        family=node.candidate.family,
        uid="" if is_shared else node.uid,
        version=node.candidate.version if not isinstance(node.provision, PythonEnvironment) else "",
        variations=node.candidate.variations,
        roles=node.roles,
        files=node.files,
        fetch=node.fetch,
        pip=node.provision.pip if isinstance(node.provision, PythonEnvironment) else (),
    )


def lock_requirements(lock: Lock, where: str) -> tuple[Requirement, ...]:
    """Return the lock as requirements: every role it names keeps its family, version and variations."""
    return tuple(
        Requirement(
            role=role,
            query=Query(variations=node.variations, version=f"=={node.version}" if node.version else ""),
            requirer="the lock",
            where=f"{where}: {node.id}",
            optional=True,
            only=node.family if "," not in node.family else node.family.partition(",")[0],
        )
        for node in lock.nodes
        if node.id not in _PLATFORM_NODES
        for role in node.roles
    )


def drift(lock: Lock, plan: Plan) -> list[str]:
    """Return what differs between ``lock`` and ``plan``, one sentence each; empty if they agree."""
    now = make_lock(plan)
    found = [
        f"{field} was {_shown(getattr(lock, field))}, is {_shown(getattr(now, field))}"
        for field in ("target", "command", "inputs", "env")
        if getattr(lock, field) != getattr(now, field)
    ]
    old_nodes = {node.id: node for node in lock.nodes}
    new_nodes = {node.id: node for node in now.nodes}
    found += [f"{node_id} is no longer in the plan" for node_id in sorted(set(old_nodes) - set(new_nodes))]
    found += [f"{node_id} is new in the plan" for node_id in sorted(set(new_nodes) - set(old_nodes))]
    for node_id in sorted(set(old_nodes) & set(new_nodes)):
        found += _differences(old_nodes[node_id], new_nodes[node_id])
    return found


def _differences(old: LockedNode, new: LockedNode) -> list[str]:
    return [
        f"{old.id}: {field} was {_shown(getattr(old, field))}, is {_shown(getattr(new, field))}"
        for field in LockedNode.__struct_fields__
        if getattr(old, field) != getattr(new, field)
    ]


def _shown(value: object) -> str:
    """Return a value formatted for people."""
    if isinstance(value, Fetch):
        return " ".join(word for word in (value.url or value.path, value.digest) if word)
    if isinstance(value, dict):
        return ", ".join(f"{key}={text}" for key, text in sorted(value.items())) or "nothing"
    if isinstance(value, tuple):
        return ", ".join(_shown(item) for item in value) or "nothing"
    return str(value) or "nothing"
