"""``loom compare``."""

from pathlib import Path

import click

from benchloom.app.comparing import compare_records
from benchloom.app.records import nothing_of
from benchloom.cli.common import Session, verb
from benchloom.cli.complete import complete_order, complete_record
from benchloom.cli.reports import report_options, write_report


@verb("compare", example="loom compare --tags=forms --sort=throughput")
@click.argument("names", nargs=-1, metavar="[ID|last|PATH]...", shell_complete=complete_record)
@click.option("--target", default="", metavar="PROGRAM", help="Records of this program.")
@click.option("--tags", default="", metavar="A,B", help="Records that have all these tags.")
@click.option(
    "--sort",
    "order",
    default="started",
    show_default=True,
    metavar="BY",
    shell_complete=complete_order,
    help="started, program, model; or, best first: accuracy, difference, throughput, p50, p90, p99, memory.",
)
@click.option("--all", "everything", is_flag=True, help="Show all columns and settings, including seeds.")
@report_options("comparison")
def command(
    session: Session,
    names: tuple[str, ...],
    *,
    target: str,
    tags: str,
    order: str,
    everything: bool,
    format_: str | None,
    output: Path | None,
) -> int:
    """Compare records of runs, one per line: those named, and those selected by --target and --tags; by default all.

    Accuracy is shown with its difference to the model's reference; figures are medians over repetitions. A property or
    setting of the runs is a column if it differs, and a line below the table if it is the same in all of them.
    Exits 1 if there are no records.
    """
    found = compare_records(session.workspace, names, target, tags, order)
    if found.runs or session.as_json or format_ or output:
        write_report(session, "comparison", found, format_=format_, output=output, everything=everything)
    else:
        session.talk.note(nothing_of(session.workspace, target, tags))
    return 0 if found.runs else 1
