"""``loom completion``."""

import click

from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_exact, write_json
from benchloom.cli.shells import SHELLS, script


@verb("completion", example='eval "$(loom completion bash)"')
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
def command(session: Session, shell: str) -> None:
    r"""Print the code that makes a shell complete verbs, options, components, and the inputs of programs.

    \b
    bash: add to ~/.bashrc:      eval "$(loom completion bash)"
    zsh:  add to ~/.zshrc, after compinit:  eval "$(loom completion zsh)"
    fish: write it once:         loom completion fish > ~/.config/fish/completions/loom.fish
    """
    context = click.get_current_context().find_root()
    text = script(shell, context.command, "loom")
    if session.as_json:
        from benchloom.app.schemas import CompletionScript  # late: shells start with this command

        write_json(CompletionScript(shell=shell, script=text))
    else:
        write_exact(text)
