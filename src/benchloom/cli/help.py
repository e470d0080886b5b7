"""The help of all verbs as values, for the generated reference."""

import importlib.util
from collections.abc import Iterator

import click

from benchloom.authoring.documentation import OptionHelp, VerbHelp
from benchloom.cli.main import VERBS, loom

COMMON = frozenset(["as_json", "quiet", "offline", "mirror", "debug"])


def all_verbs() -> tuple[VerbHelp, ...]:
    """Return the help of every verb, in the order of ``loom --help``, subcommands after their verb."""
    context = click.Context(loom, info_name="loom")
    found = []
    for name in VERBS:
        if importlib.util.find_spec(f"benchloom.cli.verbs.{name}") is not None:
            command = loom.get_command(context, name)
            assert command is not None
            found += list(_verbs(command, name, context))
    return tuple(found)


def _verbs(command: click.Command, name: str, parent: click.Context) -> Iterator[VerbHelp]:
    context = click.Context(command, info_name=name, parent=parent)
    yield _verb(command, context)
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            if found is not None:
                yield from _verbs(found, sub, context)


def _verb(command: click.Command, context: click.Context) -> VerbHelp:
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    own = [item for item in options if item.name not in COMMON]
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    return VerbHelp(
        name=context.command_path,
        usage=usage,
        text=_paragraphs(command.help or ""),
        options=tuple(_option(item, context) for item in own),
        example=(command.epilog or "").partition("Example:")[2].strip(),
        is_group=isinstance(command, click.Group),
    )


def _option(option: click.Option, context: click.Context) -> OptionHelp:
    names, text = option.get_help_record(context) or ("", "")
    return OptionHelp(names=" ".join(names.split()), text=" ".join(text.split()))


def _paragraphs(text: str) -> tuple[str, ...]:
    """Paragraphs of one line each; preformatted ones keep their lines."""
    parts = [part.strip() for part in text.replace("\r", "").split("\n\n")]
    return tuple(part if part.startswith("\b") else " ".join(part.split()) for part in parts if part)


def common_options() -> tuple[OptionHelp, ...]:
    """Return the options every verb has."""
    context = click.Context(loom, info_name="loom")
    command = loom.get_command(context, "plan")
    assert command is not None
    options = [item for item in command.params if isinstance(item, click.Option) and item.name in COMMON]
    return tuple(_option(item, context) for item in options)
