"""Commands that only hold others: they name the nearest one for a misspelt one, and show their help when alone."""

import click

from benchloom.base.names import did_you_mean


class HelpfulGroup(click.Group):
    """A click group with the hints that all of loom gives."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where no command was given."""
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is no such one."""
        known = self.list_commands(ctx)
        is_there = args and (args[0] in known or self.get_command(ctx, args[0]) is not None)
        if args and not is_there and not args[0].startswith("-"):
            hint = did_you_mean(args[0], known) or f"see {ctx.command_path} --help"
            raise click.UsageError(f"{ctx.command_path} has no verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)
