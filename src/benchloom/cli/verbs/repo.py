"""``loom repo``."""

import click

from benchloom.app import repositories
from benchloom.app.repositories import ListedRepository
from benchloom.cli.common import Session, verb
from benchloom.cli.groups import HelpfulGroup
from benchloom.cli.render import write_columns, write_json

command = HelpfulGroup(
    "repo",
    short_help="Add, list, remove and synchronise repositories.",
    help="Repositories are folders of components. An added one supplies what the others lack; with a higher priority it is "
    "searched first, and its components have the unqualified names.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@verb("add", example="loom repo add ~/my-components --priority 10")
@click.argument("source", metavar="PATH|GIT-URL")
@click.option("--name", default="", metavar="ALIAS", help="Its name here [default: from its .ckr.json].")
@click.option("--priority", type=int, default=0, show_default=True, help="Above 0, it precedes the built-in one.")
@click.option("--checkout", default="", metavar="REF", help="Pin a clone to this branch, tag or commit.")
def add(session: Session, source: str, name: str, priority: int, checkout: str) -> None:
    """Add a folder, or clone a git URL. No code of the repository is run, and nothing is installed."""
    added = repositories.add(session.workspace, source, name=name, priority=priority, checkout=checkout)
    if session.as_json:
        write_json(added)
    else:
        write_columns([_row(added)])


@verb("list", example="loom repo list")
def show(session: Session) -> None:
    """List the repositories in the order in which they are searched."""
    found = repositories.listing(session.workspace)
    if session.as_json:
        write_json(found)
    else:
        write_columns([_row(item) for item in found])


@verb("trust", example="loom repo trust my-components")
@click.argument("name")
@click.option("--no", "revoked", is_flag=True, help="Revoke the trust.")
def trust(session: Session, name: str, *, revoked: bool) -> None:
    """Allow components of a repository to run their own commands during planning.

    Without trust, a component's program is only called with --version, -version or -V, and never if it is a shell or an
    interpreter. For what else of a repository runs, and when, see docs/concepts/trust.md.
    """
    changed = repositories.trust(session.workspace, name, trusted=not revoked)
    if session.as_json:
        write_json(changed)
    else:
        write_columns([_row(changed)])


@verb("remove", example="loom repo remove my-components")
@click.argument("name")
def remove(session: Session, name: str) -> None:
    """Remove a repository from the list: a clone is deleted, the files of a folder stay."""
    gone = repositories.remove(session.workspace, name)
    if session.as_json:
        write_json(gone)
    else:
        write_columns([(gone.alias, gone.path)])


@verb("update", example="loom repo update")
@click.argument("name", default="")
def update(session: Session, name: str) -> None:
    """Update clones (all, or NAME) from their URLs. Folders that you added are not changed."""
    done = repositories.update(session.workspace, name)
    if session.as_json:
        write_json(done)
        return
    write_columns([(item.alias, item.before[:12], item.after[:12]) for item in done])
    if not done:
        session.talk.note("there are no cloned repositories")


@verb("sync", example="loom repo sync --check")
@click.argument("path", default="", metavar="[PATH|NAME]")
@click.option("--name", default="", metavar="ALIAS", help="The name of a repository that has none yet.")
@click.option("--check", is_flag=True, help="Write nothing, list differences, and exit 1 if there are any.")
def sync(session: Session, path: str, name: str, check: bool) -> int:
    """Write the files that CK and CM need to read a repository (by default the built-in one), from its folders.

    Refreshes .ckr.json, cmr.yaml, the uids of entries and the tables of aliases. Exits 1 if something must be
    fixed by hand first.
    """
    synced = repositories.sync(session.workspace, path, name=name, check=check)
    if session.as_json:
        write_json(synced)
    else:
        write_columns([(item.action, item.file, item.reason) for item in synced.drift])
        if not synced.drift:
            session.talk.note(f"{synced.path} is up to date")
    return 1 if any(check or item.action == "mend" for item in synced.drift) else 0


for _subcommand in (add, show, trust, remove, update, sync):
    command.add_command(_subcommand)


def _row(item: ListedRepository) -> tuple[str, ...]:
    notes = [
        f"{item.components} components",
        *([f"priority {item.priority}"] if item.priority else []),
        *([f"from {item.url}"] if item.url else []),
        *([f"at {item.checkout}"] if item.checkout else []),
        *(["the folder is missing"] if item.missing else []),
        *(["trusted"] if item.trusted and item.origin != "built-in" else []),
    ]
    return (item.alias, item.origin, item.path, ", ".join(notes))
