"""Options common to all verbs, and the workspace that they configure."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from benchloom.app.settings import load_settings
from benchloom.app.workspace import Workspace
from benchloom.base.talk import Talk
from benchloom.cli.complete import complete_input
from benchloom.cli.options import COMMON
from benchloom.cli.terminal import make_talk

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@dataclass(frozen=True)
class Session:
    """One invocation, with the values of the common options."""

    workspace: Workspace
    as_json: bool
    quiet: bool

    @property
    def talk(self) -> Talk:
        """The Talk for this invocation."""
        return self.workspace.talk


class BoundedFloat(click.FloatRange):
    """A number between two bounds; click's own range accepts nan."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number. Fails for an invalid one."""
        number = super().convert(value, param, ctx)
        return self.fail(f"{value} is not a number", param, ctx) if math.isnan(number) else number


YEAR = 366 * 24 * 3600.0  # seconds: the longest time limit


class Verb(click.Command):
    """A command that also completes inputs of the target program, and takes defaults from the settings."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse ``args`` with the user's settings as defaults of the options of the same name."""
        extra.setdefault("default_map", {"jobs": _jobs})  # click calls it if --jobs is not given
        return super().make_context(info_name, args, parent, **extra)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete options, and inputs if the verb takes them."""
        return [*super().shell_complete(ctx, incomplete), *complete_input(ctx, incomplete)]


def _jobs() -> int | None:
    """The setting ``jobs``, for a command that is executed; completion needs no settings."""
    context = click.get_current_context(silent=True)
    return None if context and context.resilient_parsing else load_settings(os.environ).jobs


def verb(
    name: str, *, free: bool = False, rest: bool = False, example: str
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Create a command whose function receives a Session first; its docstring and ``example`` are the help.

    ``free`` lets words of the form ``--name=value`` that the verb does not declare through to its ``words`` argument:
    the inputs of programs. The function must refuse unknown ones. ``rest`` passes everything after the first word
    unparsed: another command.
    """
    settings = {"ignore_unknown_options": free, "allow_interspersed_args": not rest}

    def wrap(function: Callable[..., int | None]) -> click.Command:
        @wraps(function)
        def call(*, as_json: bool, quiet: bool, debug: bool, offline: bool, mirror: str, **values: Any) -> int | None:
            del debug  # parsed by main beforehand
            talk = make_talk(quiet=quiet)
            workspace = Workspace(os.environ, talk=talk, offline=offline, mirror=mirror)
            return function(Session(workspace, as_json, quiet), **values)

        for option in reversed(COMMON):
            call = option(call)
        epilog = f"\b\nExample:\n  {example}"
        return click.command(name, cls=Verb, epilog=epilog, context_settings=settings, short_help=None)(call)

    return wrap
