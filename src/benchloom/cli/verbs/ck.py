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
@click.option("--repository", "repositories", multiple=True, type=_FOLDER, help="A repository that ck knows.")
@click.option("--choice", "choices", multiple=True, metavar="ROLE=COMPONENT[,TAG]...", help="What ck chose for a role.")
def command(
    session: Session,
    *,
    target: str,
    prefix: Path | None,
    work: Path | None,
    repositories: tuple[Path, ...],
    choices: tuple[str, ...],
) -> None:
    """Install TARGET for `ck`, or prepare the program TARGET around what `ck` chose."""
    if (prefix is None) == (work is None):
        raise click.UsageError("give one of --prefix and --work")
    session.workspace.search_too(repositories)
    if prefix is not None:
        write(f"{install_for_ck(session.workspace, target, prefix.resolve())}\n")
    elif work is not None:
        write_json(variables_for_ck(session.workspace, target, tuple(map(_choice, choices)), work.resolve()))


def _choice(text: str) -> Choice:
    role, _, chosen = text.partition("=")
    component, *tags = chosen.split(",")
    return Choice(role, component, tuple(tags))
