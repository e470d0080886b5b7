"""``loom test``."""

import click

from benchloom.app.testing import STEPS, run_tests
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_json


@verb("test", example="loom test --only tests -- tests/unit -k query")
@click.option("--only", multiple=True, type=click.Choice(STEPS), help="Only this step (may be repeated).")
@click.argument("arguments", nargs=-1, metavar="[-- PYTEST ARGUMENTS]", type=click.UNPROCESSED)
def command(session: Session, only: tuple[str, ...], arguments: tuple[str, ...]) -> int:
    """Run the project's own checks and tests: style, format, types, layers, tests. Needs a checkout.

    Exits 1 if a step fails.
    """
    done = run_tests(session.workspace, only, arguments)
    if session.as_json:
        write_json(done)
    elif not done.ok or len(done.steps) > 1:
        for step in done.steps:
            session.talk.note(
                f"{step.name:8} {'ok' if step.status == 0 else f'failed ({step.status})'}  {step.seconds} s"
            )
    return 0 if done.ok else 1
