"""``loom bench``."""

from pathlib import Path

import click

from benchloom.app.benchmarking import run_benchmarks
from benchloom.cli.common import Session, verb
from benchloom.cli.reports import report_options, write_report
from benchloom.errors import EXIT_EXECUTION, EXIT_OK


@verb("bench", example="loom bench --quick")
@click.option("--quick", is_flag=True, help="Fewer and shorter rounds: under 3 minutes instead of 30.")
@click.option("--only", multiple=True, metavar="AREA", help="Only this area, such as engine (may be repeated).")
@report_options("benchmarks")
def command(session: Session, only: tuple[str, ...], *, quick: bool, format_: str | None, output: Path | None) -> int:
    """Benchmark this project against baselines and peers, with targets. Needs a checkout and an idle machine.

    Each line compares a median with the median of a baseline that was measured alternately. Exits 4 if an area failed,
    with the earlier measurements; a missed target does not change the exit code.
    """
    found = run_benchmarks(session.workspace, only, is_quick=quick)
    write_report(session, "benchmarks", found, format_=format_, output=output)
    return EXIT_EXECUTION if found.failed else EXIT_OK
