"""Completion from the index: components, and the inputs, commands and roles of the target.

It runs at every press of the Tab key, so it opens only the cached index, and prints no messages: without a usable
home or index it completes nothing.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from benchloom.app.workspace import Workspace
from benchloom.errors import LoomError
from benchloom.model.component import Component

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.shell_completion import CompletionItem


@dataclass(frozen=True)
class ValueOf:
    """Stored as the context's object: the word being typed is the value of this option (``--scenario``)."""

    option: str


def complete_component(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete the name of any component: ``kind:alias``, or the alias if no colon has been typed."""
    return list(_components(incomplete, ""))


def complete_word(ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete a word of a verb with a target: the target, or the value of one of its inputs."""
    if isinstance(ctx.obj, ValueOf):
        return list(_values(_target(ctx), ctx.obj.option, incomplete))
    if _target_name(ctx):
        return []
    return list(_components(incomplete, "program" if ctx.info_name == "run" else ""))


def complete_input(ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
    """Complete the name of an input, command choice or role of the target, as ``--name=``."""
    target = _target(ctx)
    if target is None:
        return []
    inputs = target.program.inputs if target.program else ()
    offered = {f"--{item.name}=": item.summary for item in inputs}
    for need in target.requires:
        offered[f"--dep_add_tags.{need.role}="] = f"tags to add to the role {need.role}"
    return [_offer(name, help=text) for name, text in offered.items() if name.startswith(incomplete)]


def complete_record(ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete the id of a record that is not on the line yet, newest first."""
    from benchloom.record import records  # late: only this completion needs it

    given = ctx.params.get("names") or ()
    try:
        known = [path.stem for path in reversed(records.paths(Workspace(os.environ).locations.records))]
    except (LoomError, OSError):
        return []
    return [_offer(name) for name in ("last", *known) if name.startswith(incomplete) and name not in given]


def complete_order(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete a sort order of comparisons."""
    from benchloom.report.comparisons import ORDERS  # late: only this completion needs it

    return [_offer(name) for name in ORDERS if name.startswith(incomplete)]


def _offer(value: str, **details: str) -> "CompletionItem":
    from click.shell_completion import CompletionItem  # late: every verb imports this module, completion is rare

    return CompletionItem(value, **details)


def _values(target: Component | None, option: str, incomplete: str) -> "Iterator[CompletionItem]":
    inputs = target.program.inputs if target and target.program else ()
    for item in inputs:
        if option == f"--{item.name}":
            if item.type == "path":
                yield _offer(incomplete, type="file")
            for choice in item.choices:
                if choice.lower().startswith(incomplete.lower()):
                    yield _offer(choice)


def _components(incomplete: str, kind: str) -> "Iterator[CompletionItem]":
    for item in _all():
        if kind and item.kind != kind:
            continue
        if item.ref.startswith(incomplete):
            yield _offer(item.ref, help=item.summary)
        elif item.alias.startswith(incomplete):
            yield _offer(item.alias, help=item.summary)


def _target(ctx: click.Context) -> Component | None:
    name = _target_name(ctx).partition(",")[0]
    return next((item for item in _all() if name and name in {item.ref, item.alias, item.uid}), None)


def _target_name(ctx: click.Context) -> str:
    words = ctx.params.get("words") or ()
    return next((word for word in words if not word.startswith(("-", "@"))), "")


def _all() -> tuple[Component, ...]:
    try:
        return Workspace(os.environ).index.components
    except (LoomError, OSError):
        return ()
