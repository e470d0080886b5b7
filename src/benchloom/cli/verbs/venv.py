"""``loom venv``: create, activate, exec, ls, show, rm, lock."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from benchloom.app import venvs
from benchloom.app.locking import read_venv_lock, write_lock
from benchloom.app.workspace import Workspace
from benchloom.cli.common import Session, verb
from benchloom.cli.complete import complete_word
from benchloom.cli.groups import HelpfulGroup
from benchloom.cli.render import write_columns, write_exact, write_json
from benchloom.cli.request import joined, parse_request
from benchloom.errors import InputError, LoomError
from benchloom.model.environment import Venv
from benchloom.store.environments.activation import SHELLS, activated, command_for, interactive

command = HelpfulGroup(
    "venv",
    short_help="Create and use virtual environments from templates.",
    help="A virtual environment has its own Python libraries, CK repositories and CK tools, as required by a template (see "
    "loom find venv.template), and is locked.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _complete_name(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        known = venvs.listing(Workspace(os.environ))
    except (LoomError, OSError):
        return []
    return [CompletionItem(item.name, help=item.template) for item in known if item.name.startswith(incomplete)]


_NAME = click.argument("name", metavar="NAME", shell_complete=_complete_name)


@verb(
    "create", free=True, example="loom venv create mlperf --template=mlperf-inference-1.0 --dep_add_tags.backend=torch"
)
@click.argument("name", metavar="NAME")
@click.argument(
    "words", nargs=-1, metavar="[--dep_add_tags.ROLE=TAGS]...", type=click.UNPROCESSED, shell_complete=complete_word
)
@click.option("--template", default="", metavar="ALIAS", help=f"The template [default: {venvs.DEFAULT_TEMPLATE}].")
@click.option("--tags", default="", metavar="QUERY", help="Select the template by tags.")
@click.option("--python", default="", metavar="PATH", help="The Python interpreter [default: the one that runs loom].")
@click.option("--lock", default="", metavar="FILE", help="Recreate the environment of this lock (see loom venv lock).")
@click.option("--force", is_flag=True, help="Replace an environment of that name once the new one is complete.")
def create(
    session: Session,
    *,
    name: str,
    words: tuple[str, ...],
    template: str,
    tags: str,
    python: str,
    lock: str,
    force: bool,
) -> None:
    """Create the virtual environment NAME atomically.

    Requirements of the template are chosen by tags and solved together with those of loom itself. Activate it with
    loom venv activate NAME, or run one command in it with loom venv exec NAME -- COMMAND.
    """
    if template and tags:
        raise InputError("a template is selected either by name or by tags", where="--tags", fix="omit one of them")
    asked = parse_request(
        joined(session.workspace, words),
        tags=tags,
        cmd_key="",
        dataset_path="",
        model_path="",
        lock_file="",
        locked=False,
    )
    if asked.name:
        raise InputError(
            f"{asked.name!r} is an unexpected argument", where="command line", fix="name only one environment"
        )
    held = read_venv_lock(Path(lock)) if lock else None
    request = venvs.template_request(asked, template or ("" if lock else venvs.DEFAULT_TEMPLATE), python)
    made = venvs.create(session.workspace, name, request, lock=held, lock_from=lock, anew=force)
    if session.as_json:
        write_json(made)
        return
    write_columns(_details(made))
    session.talk.note(f"to use it: loom venv activate {name}, or loom venv exec {name} -- COMMAND")


@verb("activate", example='eval "$(loom venv activate mlperf)"')
@_NAME
@click.option("--shell", type=click.Choice(SHELLS), help="Print for this shell [default: that of $SHELL].")
def activate(session: Session, name: str, shell: str | None) -> None:
    """Start a shell inside NAME at a terminal; elsewhere (or with --shell) print the line that activates it.

    Leave the shell with exit; leave an activated environment with deactivate.
    """
    folder = Path(venvs.find(session.workspace, name).path)
    used = os.environ.get("SHELL", "") or "/bin/sh"
    if shell is None and not session.as_json and sys.stdin.isatty() and sys.stdout.isatty():
        session.talk.note(f"starting a shell inside {name}; leave it with exit")
        _become(interactive(folder, used), activated(folder, os.environ))
    line = command_for(folder, shell or Path(used).name)
    write_json(line) if session.as_json else write_exact(line)


@verb("exec", rest=True, example="loom venv exec mlperf -- ck run program:image-classification-onnx --quiet")
@_NAME
@click.argument("command_line", nargs=-1, required=True, metavar="[--] COMMAND [WORD]...", type=click.UNPROCESSED)
def execute(session: Session, name: str, command_line: tuple[str, ...]) -> None:
    """Run COMMAND inside NAME and exit with its status."""
    words = command_line[1:] if command_line[0] == "--" else command_line
    if not words:
        raise InputError("no command was given", where="COMMAND", fix="loom venv exec NAME -- COMMAND")
    _become(list(words), venvs.environment(session.workspace, name))


@verb("ls", example="loom venv ls")
def list_(session: Session) -> int:
    """List virtual environments: name, template, Python, number of packages, folder. Exits 1 if there are none."""
    found = venvs.listing(session.workspace)
    if session.as_json:
        write_json(found)
    else:
        write_columns([_row(item) for item in found])
        if not found:
            session.talk.note("no virtual environments; create one: loom venv create NAME")
    return 0 if found else 1


@verb("show", example="loom venv show mlperf")
@_NAME
def show(session: Session, name: str) -> None:
    """Show the content of NAME: template, Python, repositories of its ck, requirements, and every Python package."""
    found = venvs.find(session.workspace, name)
    if session.as_json:
        write_json(found)
        return
    write_columns(_details(found))
    write_columns([(item.name, item.version, item.digest or "-") for item in found.distributions], indent="  ")


@verb("rm", example="loom venv rm mlperf")
@_NAME
def remove(session: Session, name: str) -> None:
    """Remove NAME with everything in it, including its CK entries and tools. A lock of it can recreate it."""
    gone = venvs.remove(session.workspace, name)
    write_json(gone) if session.as_json else write_columns([("removed", gone.path)])


@verb("lock", example="loom venv lock mlperf --output mlperf.lock.json")
@_NAME
@click.option("--output", default="", metavar="FILE", help="Where to write it [default: NAME.lock.json].")
def lock(session: Session, name: str, output: str) -> None:
    """Write a lock file of NAME, with the digest of each package; create --lock=FILE recreates it."""
    found = read_venv_lock(venvs.lock_file(venvs.find(session.workspace, name)))
    path = Path(output or f"{name}.lock.json")
    write_lock(found, path)
    if session.as_json:
        write_json(found)
    session.talk.note(f"{path}: {len(found.distributions)} packages of {name} are locked")


for _subcommand in (create, activate, execute, list_, show, remove, lock):
    command.add_command(_subcommand)


def _become(words: list[str], environ: dict[str, str]) -> None:
    """Replace this process by a command; if that is not supported, wait for it and exit with its status."""
    executable = shutil.which(words[0], path=environ["PATH"])
    if executable is None:
        raise InputError(
            f"there is no command {words[0]!r} in the environment", where="COMMAND", fix="see its bin folder"
        )
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(executable, words, environ)  # noqa: S606 - the user's own command, without a shell
    sys.exit(subprocess.call([executable, *words[1:]], env=environ))  # noqa: S603 - as above


def _row(item: Venv) -> tuple[str, ...]:
    return (item.name, item.template, f"Python {item.python}", f"{len(item.distributions)} packages", item.path)


def _details(item: Venv) -> list[tuple[str, str]]:
    rows = [
        ("name", item.name),
        ("template", item.template),
        ("python", item.python),
        ("path", item.path),
        ("created", item.created),
        ("packages", str(len(item.distributions))),
    ]
    if item.repositories:
        rows.append(("ck repositories", ", ".join(item.repositories)))
    return [*rows, *item.needs.items(), *((role, f"left out: {why}") for role, why in item.left_out.items())]
