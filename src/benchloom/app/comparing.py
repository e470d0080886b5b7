"""Compare: records of runs in one table."""

from collections.abc import Sequence
from pathlib import Path

from benchloom.app.records import find_record, list_records
from benchloom.app.workspace import Workspace
from benchloom.base.names import nearest_or_all
from benchloom.errors import InputError
from benchloom.record import records
from benchloom.report.comparisons import ORDERS, Comparison, compare


def compare_records(
    workspace: Workspace, names: Sequence[str] = (), target: str = "", tags: str = "", order: str = "started"
) -> Comparison:
    """Return the records called ``names`` and those of ``target`` that have all ``tags``, each once, in ``order``.

    Without any of these: all records. Raises UnknownNameError for a name, InputError for an invalid order.
    """
    if order not in ORDERS:
        fix = nearest_or_all(order, ORDERS)
        raise InputError(f"{order!r} is not a valid order", where="--sort", fix=fix)
    chosen = [find_record(workspace, name) for name in names]
    if target or tags or not names:
        chosen += [(records.load(Path(line.path)), Path(line.path)) for line in list_records(workspace, target, tags)]
    return compare(list({record.id: (record, path) for record, path in chosen}.values()), order)
