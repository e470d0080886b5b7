"""``loom lock``."""

from pathlib import Path
from typing import Any

import click

from benchloom.app.locking import make_target_lock, write_lock
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_json
from benchloom.cli.request import parse_request, request_options
from benchloom.model.lock import DEFAULT_LOCK


@verb("lock", free=True, example="loom lock program:image-classification-onnx --scenario=Offline && loom run --locked")
@request_options
@click.option("--output", default=DEFAULT_LOCK, show_default=True, metavar="FILE", help="Where to write it.")
def command(session: Session, output: str, **asked: Any) -> None:
    """Write a lock file with the choices of the plan of TARGET, without facts of this machine.

    A later command with --locked (or --lock=FILE) makes the same choices, or fails with the differences (exit 5).
    Without a TARGET, it takes target, command and inputs from the lock.
    """
    lock = make_target_lock(session.workspace, parse_request(**asked))
    write_lock(lock, Path(output))
    if session.as_json:
        write_json(lock)
    session.talk.note(f"{output}: {len(lock.nodes)} nodes of {lock.target} are locked")
