"""``loom record``: ls, show, rm."""

import sys
from pathlib import Path

import click

from benchloom.app.records import RecordLine, find_record, list_records, nothing_of, remove_record
from benchloom.cli.common import Session, verb
from benchloom.cli.groups import HelpfulGroup
from benchloom.cli.render import width_of, write_columns, write_json
from benchloom.cli.reports import report_options, write_report
from benchloom.report.records import number, official_text, percent, short_ids

command = HelpfulGroup(
    "record",
    short_help="List, show and remove records of runs.",
    help="Every run writes a record, even if it fails: its plan, this machine, measurements, and digests.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@verb("ls", example="loom record ls --target=image-classification-onnx")
@click.option("--target", default="", metavar="PROGRAM", help="Only records of this program.")
@click.option("--tags", default="", metavar="A,B", help="Only records that have all these tags.")
def list_(session: Session, target: str, tags: str) -> int:
    """List records, oldest first: id, program, status, scenario, official figure, accuracy, verdict.

    Exits 1 if there are none.
    """
    found = list_records(session.workspace, target, tags)
    if session.as_json:
        write_json(found)
    else:
        ids = [item.id for item in found]
        shown = short_ids(ids) if width_of(sys.stdout) is not None else ids
        write_columns([_row(item, name) for item, name in zip(found, shown, strict=True)])
        if not found:
            session.talk.note(nothing_of(session.workspace, target, tags))
    return 0 if found else 1


@verb("show", example="loom record show last")
@click.argument("name", default="last", metavar="[ID|last|PATH]")
@report_options("record")
def show(session: Session, name: str, *, format_: str | None, output: Path | None) -> None:
    """Show one record: the last one, or by its id, a prefix of its id, or its file."""
    found = find_record(session.workspace, name)
    write_report(session, "record", found, format_=format_, output=output)


@verb("rm", example="loom record rm 20260101T120000123Z-image-classification-onnx-0a1b2c")
@click.argument("name", metavar="ID")
def remove(session: Session, name: str) -> None:
    """Remove a record, by its id or a prefix of it. Its run directory stays; loom gc may then remove what it used."""
    gone = remove_record(session.workspace, name)
    if session.as_json:
        write_json(gone)
    else:
        write_columns([("removed", gone.path), ("kept", gone.directory or "-")])


for _subcommand in (list_, show, remove):
    command.add_command(_subcommand)


def _row(item: RecordLine, name: str) -> tuple[str, ...]:
    return (
        name,
        item.target,
        item.status,
        item.scenario or "-",
        _figure(item),
        "-" if item.accuracy is None else percent(item.accuracy),
        "-" if item.valid is None else f"{'VALID' if item.valid else 'INVALID'}{', busy' if item.busy else ''}",
        ",".join(item.tags),
    )


def _figure(item: RecordLine) -> str:
    """The official figure; for records without one, the throughput."""
    if item.value is not None and (text := official_text(item.scenario, item.metric, item.value, short=True)):
        return text
    return "-" if item.samples_per_second is None else f"{number(item.samples_per_second)} samples/s"
