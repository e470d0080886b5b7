"""``loom bench``."""

import click

from benchloom.app.benchmarking import BenchRun, run_benchmarks
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write, write_json, write_tables
from benchloom.errors import EXIT_EXECUTION, EXIT_OK
from benchloom.report.measurements import tables, verdict_lines


@verb("bench", example="loom bench --quick")
@click.option("--quick", is_flag=True, help="Fewer and shorter rounds: under 3 minutes instead of 30.")
@click.option("--only", multiple=True, metavar="AREA", help="Only this area, such as engine (may be repeated).")
def command(session: Session, only: tuple[str, ...], *, quick: bool) -> int:
    """Time this project beside bare limits and peers, with its targets. Needs a checkout and an idle machine.

    Each line holds a median against what ran in turn with it. Exits 4 where an area failed, with what was measured before;
    a missed target does not change the exit code.
    """
    found = run_benchmarks(session.workspace, only, is_quick=quick)
    if session.as_json:
        write_json(found)
    else:
        _write(found)
    return EXIT_EXECUTION if found.failed else EXIT_OK


def _write(found: BenchRun) -> None:
    write_tables(tables(found.measurements))
    for text in (*verdict_lines(found.measurements), *(f"failed: {area}" for area in found.failed)):
        write(text)
