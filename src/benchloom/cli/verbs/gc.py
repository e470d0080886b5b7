"""``loom gc``."""

import click

from benchloom.app.housekeeping import gc
from benchloom.base.units import human_bytes
from benchloom.cli.common import BoundedFloat, Session, verb
from benchloom.cli.render import write, write_columns, write_json
from benchloom.store.gc import GcReport


@verb("gc", example="loom gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Remove nothing, only list what would be removed.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also remove what records need and what was installed; it is rebuilt on demand.",
)
@click.option(
    "--remove", multiple=True, metavar="KEY", help="Remove only this entry, even if it is needed (may be repeated)."
)
@click.option(
    "--older-than", type=BoundedFloat(min=0, max=36_500), metavar="DAYS", help="Keep what was built more recently."
)
def command(
    session: Session, dry_run: bool, everything: bool, remove: tuple[str, ...], older_than: float | None
) -> None:
    """Remove store entries that no record, environment or installation needs, downloads, and leftovers.

    Runs and records stay.
    """
    with session.talk.progress("scanning the store", None, ""):
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
