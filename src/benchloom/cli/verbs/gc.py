"""``loom gc``."""

import click

from benchloom.app.housekeeping import gc
from benchloom.base.units import human_bytes
from benchloom.cli.common import BoundedFloat, Session, verb
from benchloom.cli.render import write, write_columns, write_json
from benchloom.store.gc import GcReport


@verb("gc", example="loom gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Remove nothing, say what would go.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also what records need and loom install brought in; it is built again on demand.",
)
@click.option("--remove", multiple=True, metavar="KEY", help="Only this entry, whoever needs it (may be repeated).")
@click.option(
    "--older-than", type=BoundedFloat(min=0, max=36_500), metavar="DAYS", help="Keep what was built more recently."
)
def command(
    session: Session, dry_run: bool, everything: bool, remove: tuple[str, ...], older_than: float | None
) -> None:
    """Remove from the store what no record or environment needs and nobody installed, and downloads and leftovers.

    Runs and records stay.
    """
    with session.talk.progress("looking through the store", None, ""):
        report = gc(session.workspace, everything=everything, remove=remove, older_than=older_than, dry_run=dry_run)
    if session.as_json:
        write_json(report)
        return
    write_columns(_rows(report))
    would = "would free" if report.dry_run else "freed"
    write(f"{would} {human_bytes(report.bytes)}; {len(report.kept)} entries stay")


def _rows(report: GcReport) -> list[tuple[str, str]]:
    parts = (
        ("entry", report.removed),
        ("download", report.downloads),
        ("stage", report.stages),
        ("damaged", report.quarantined),
    )
    return [(label, name) for label, names in parts for name in names]
