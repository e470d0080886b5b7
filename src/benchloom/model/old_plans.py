"""Upgrade plans of older schemas, so that records that contain them can still be read."""

from typing import Any

from benchloom.model.plan import PLAN_SCHEMA

PLAN_SCHEMAS = ("benchloom.plan/1", PLAN_SCHEMA)  # that can be read, oldest first


def upgraded(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON of a plan of one of ``PLAN_SCHEMAS`` in today's schema, which it then names."""
    if plan["schema"] == PLAN_SCHEMA:
        return plan
    nodes = [_node_of_schema_1(node) for node in plan["nodes"]]
    added = sorted({node["repo"] for node in nodes} - {""})
    return {**plan, "schema": PLAN_SCHEMA, "nodes": nodes, "repositories": [{"alias": alias} for alias in added]}


def _node_of_schema_1(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node with the provision that its fields tell; most do not tell enough to be executed."""
    rest = {key: value for key, value in node.items() if key not in {"pip", "built_among", "fetch"}}
    provision: dict[str, Any] = {"type": "unrecorded", "files": node.get("fetch", [])}
    if node.get("pip"):
        provision = {"type": "python-environment", "pip": node["pip"], "built_among": node.get("built_among", {})}
    elif node["candidate"].get("location"):
        provision = {"type": "detected"}
    return {"repo": "", **rest, "provision": provision}
