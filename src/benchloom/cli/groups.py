"""Command groups: they suggest the nearest command for a misspelt one, and show their help if called alone."""

import click

from benchloom.base.names import did_you_mean
from benchloom.cli.options import behind_verb

# Synonyms of verbs in other tools; a group accepts those of its own verbs.
_SYNONYMS = (
    {"ls", "list"},
    {"rm", "remove", "delete", "uninstall"},
    {"find", "search", "ls", "list"},
    {"show", "info"},
)


class HelpfulGroup(click.Group):
    """A click group with suggestions; common options may also precede its verbs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help if no command was given, and accept ``help [VERB]`` and ``version`` as words."""
        words = behind_verb(args) or ["--help"]
        if words[0] == "help" and "help" not in self.list_commands(ctx):
            verbs = [word for word in words[1:] if not word.startswith("-")]
            words = [*verbs, "--help"]
        elif words[0] == "version" and any(item.name == "version" for item in self.params):
            words = ["--version"]
        return super().parse_args(ctx, words)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for an unknown one."""
        known = self.list_commands(ctx)
        is_there = args and (args[0] in known or self.get_command(ctx, args[0]) is not None)
        if args and not is_there and not args[0].startswith("-"):
            meant = next((name for names in _SYNONYMS if args[0] in names for name in known if name in names), "")
            if meant:
                return super().resolve_command(ctx, [meant, *args[1:]])
            hint = did_you_mean(args[0], known) or f"see {ctx.command_path} --help"
            raise click.UsageError(f"{ctx.command_path} has no verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)
