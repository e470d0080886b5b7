"""``loom ck``: what the adapter in ``script/ck-adapter`` calls; not for people."""

from pathlib import Path

import click

from benchloom.app.ck import Choice, install_for_ck, variables_for_ck
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write, write_json

_FOLDER = click.Path(file_okay=False, path_type=Path)


@verb("ck", example="loom ck package:model-digits-onnx --prefix=FOLDER")
@click.argument("target")
@click.option("--prefix", type=_FOLDER, help="Install TARGET and leave its facts here.")
@click.option("--work", type=_FOLDER, help="Prepare the program TARGET, with logs and facts here.")
@click.option("--choice", "choices", multiple=True, metavar="ROLE=COMPONENT", help="What ck chose for a role.")
def command(session: Session, target: str, prefix: Path | None, work: Path | None, choices: tuple[str, ...]) -> None:
    """Install TARGET for `ck`, or prepare the program TARGET around what `ck` chose."""
    if (prefix is None) == (work is None):
        raise click.UsageError("give one of --prefix and --work")
    if prefix is not None:
        write(f"{install_for_ck(session.workspace, target, prefix.resolve())}\n")
    elif work is not None:
        made = tuple(Choice(role, name) for role, _, name in (item.partition("=") for item in choices))
        write_json(variables_for_ck(session.workspace, target, made, work.resolve()))
