"""``loom ck``: what the adapter in ``script/ck-adapter`` calls; not for people."""

from pathlib import Path
from typing import Any

import click
import msgspec

from benchloom.app.ck import Choice, CkChoices, install_for_ck, variables_for_ck
from benchloom.app.ck_registered import Registered, model_of_file, verified
from benchloom.app.detecting import is_model
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_exact, write_json
from benchloom.cli.request import parse_request, request_options

_FOLDER = click.Path(file_okay=False, path_type=Path)


@verb("ck", free=True, example="loom ck package:model-digits-onnx --prefix=FOLDER")
@request_options
@click.option("--prefix", type=_FOLDER, help="Install TARGET and leave its facts here.")
@click.option("--work", type=_FOLDER, help="Prepare the program TARGET, with logs and facts here.")
@click.option("--full_path", "paths", multiple=True, type=click.Path(path_type=Path), help="Verify files of TARGET.")
@click.option("--repository", "repositories", multiple=True, type=_FOLDER, help="A repository that ck knows.")
@click.option(
    "--choice", "choices", multiple=True, metavar="ROLE=COMPONENT[,TAG]...[,@VERSION]", help="What ck chose for a role."
)
@click.option(
    "--model", "models", multiple=True, metavar="UID,COMPONENT,PATH", help="A file that ck chose for a model."
)
@click.option("--registered", multiple=True, metavar="UID,SOFT,PATH", help="A data set that ck has registered.")
@click.option("--dataset", default="", metavar="ROLE,FLAG,UID,SOFT,PATH", help="The one that the user chose.")
def command(
    session: Session,
    *,
    prefix: Path | None,
    work: Path | None,
    paths: tuple[Path, ...],
    repositories: tuple[Path, ...],
    choices: tuple[str, ...],
    models: tuple[str, ...],
    registered: tuple[str, ...],
    dataset: str,
    **asked: Any,
) -> None:
    """Install TARGET for `ck`, prepare the program TARGET around what `ck` chose, or verify files of the soft entry TARGET."""
    if sum(map(bool, (prefix, work, paths))) != 1:
        raise click.UsageError("give one of --prefix, --work and --full_path")
    session.workspace.search_too(repositories)
    request = parse_request(**asked)
    if prefix is not None:
        write_exact(f"{install_for_ck(session.workspace, request, prefix.resolve())}\n")
    elif work is not None:
        role, flag, chosen = dataset.split(",", 2) if dataset else ("", "", "")
        ck = CkChoices(
            choices=tuple(map(_choice, choices)),
            models=tuple(map(_registered, models)),
            registered=tuple(map(_registered, registered)),
            dataset=_registered(chosen) if chosen else None,
            dataset_role=role,
            dataset_source=flag,
        )
        write_json(variables_for_ck(session.workspace, request, ck, work.resolve()))
    elif is_model(session.workspace, request.name, ""):
        write_json(model_of_file(session.workspace, request.name, request.query, paths[0]))
    else:
        write_exact(msgspec.json.encode(verified(session.workspace, request.name, paths)).decode() + "\n")


def _choice(text: str) -> Choice:
    role, _, chosen = text.partition("=")
    component, *words = chosen.split(",")
    version = next((word[1:] for word in words if word.startswith("@")), "")
    return Choice(role, component, tuple(word for word in words if not word.startswith("@")), version)


def _registered(text: str) -> Registered:
    uid, component, path = text.split(",", 2)
    return Registered(uid=uid, component=component, path=path)
