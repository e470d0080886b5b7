"""``loom bench``."""

import click

from benchloom.app.benchmarking import run_benchmarks
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_json


@verb("bench", example="loom bench --quick")
@click.option("--quick", is_flag=True, help="Fewer and shorter rounds: under 3 minutes instead of 30.")
@click.option("--only", multiple=True, metavar="AREA", help="Only this area, such as engine (may be repeated).")
def command(session: Session, only: tuple[str, ...], *, quick: bool) -> int:
    """Time this project beside bare limits and peers, with its targets. Needs a checkout and an idle machine.

    Each line holds a median against what ran in turn with it; a missed target does not change the exit code.
    """
    found = run_benchmarks(session.workspace, only, is_quick=quick, is_shown=not session.as_json)
    if session.as_json:
        write_json(found)
    return 0
