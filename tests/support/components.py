"""Components in memory, and what is planned with them."""

from typing import Any

from benchloom.index.index import Index
from benchloom.index.read import EntryReading
from benchloom.model.component import Component, Install, Requirement
from benchloom.model.plan import TARGET_ROLE, Plan, Platform
from benchloom.model.query import parse_query
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.plan import make_plan

PLATFORM = Platform(os="linux", arch="x86_64", python="3.11")
BUILT = Install(script="build.py")


class Universe(Index):
    """Components without folders."""

    def files_digest(self, component: Component) -> str:
        return f"sha256:{component.alias}"


def entry(kind: str, alias: str, tags: str, **fields: Any) -> Component:
    base = {
        "uid": fields.pop("uid", ""),
        "repo": "t",
        "path": f"{kind}/{alias}",
        "file": f"{kind}/{alias}/.cm/meta.json",
    }
    family = fields.pop("family", f"{kind}:{alias}")
    return Component(kind=kind, alias=alias, tags=tuple(sorted(tags.split(","))), family=family, **base, **fields)


def need(role: str, query: str, requirer: str = "package:app", **fields: Any) -> Requirement:
    return Requirement(role=role, query=parse_query(query), requirer=requirer, where=f"{requirer}: {role}", **fields)


def universe(*components: Component) -> Universe:
    return Universe((), [EntryReading(component=item, findings=()) for item in components])


def planned(
    *components: Component, query: str = "app", host: HostFacts | None = None, target_only: str = "", **overrides: Any
) -> Plan:
    """Plan what ``query`` asks for, or the component ``target_only``; ``overrides`` are the fields of Overrides."""
    target = need(TARGET_ROLE, query, "the test", only=target_only)
    facts = host or HostFacts(platform=PLATFORM)
    return make_plan(target, "", universe(*components), facts, Overrides(**overrides), {})
