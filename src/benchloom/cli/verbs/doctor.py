"""``loom doctor``."""

from benchloom.app.doctoring import diagnose
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_columns, write_json


@verb("doctor", example="loom doctor")
def command(session: Session) -> int:
    """Check this machine, the store and the repositories, and suggest fixes for problems. Changes nothing.

    Exits 1 if a problem prevents benchloom from working.
    """
    with session.talk.progress("checking this machine", None, ""):
        found = diagnose(session.workspace)
    if session.as_json:
        write_json(found)
    else:
        labels = {"pass": "ok"}
        rows = [
            (
                labels.get(item.severity, item.severity),
                item.rule,
                f"{item.message}{f' -> {item.fix}' if item.fix else ''}",
            )
            for item in found
        ]
        write_columns(rows)
    return 1 if any(item.severity == "error" for item in found) else 0
