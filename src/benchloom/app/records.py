"""List, show and remove records of runs."""

from pathlib import Path

from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.base import SchemaTable, Value
from benchloom.model.record import Record
from benchloom.record import records


class RecordLine(Value, frozen=True, kw_only=True):
    """One record as ``loom record ls`` lists it. Figures are those of the last repetition; None if there are none.

    Attributes:
        id: the record's id.
        path: the record's file.
        directory: the run directory.
        target: reference of the program.
        status: how the run ended.
        started: when it began: UTC, ISO 8601.
        scenario: LoadGen's scenario.
        samples_per_second: throughput.
        accuracy: a fraction, 0 to 1.
        valid: LoadGen's verdict on the performance run.
        metric: LoadGen's name of the scenario's official figure.
        value: that figure.
        busy: whether the machine was busy with other work at the same time.
        tags: the user's words to find it by.
    """

    id: str
    path: str
    directory: str
    target: str
    status: str
    started: str
    scenario: str = ""
    samples_per_second: float | None = None
    accuracy: float | None = None
    valid: bool | None = None
    metric: str = ""
    value: float | None = None
    busy: bool = False
    tags: tuple[str, ...] = ()


class RemovedRecord(Value, frozen=True, kw_only=True):
    """What ``loom record rm`` removed; the run directory stays.

    Attributes:
        id: the record's id.
        path: the file that was removed.
        directory: the run directory.
    """

    id: str
    path: str
    directory: str


SCHEMAS: SchemaTable = {
    "record-list": (tuple[RecordLine, ...], "loom record ls --json"),
    "removed-record": (RemovedRecord, "loom record rm --json"),
}


def list_records(workspace: Workspace, target: str = "", tags: str = "") -> tuple[RecordLine, ...]:
    """Return the records of ``target`` (any if empty) that have all of ``tags`` (commas between), oldest first.

    A file that is not a record is skipped with a warning.
    """
    wanted = {tag for tag in tags.split(",") if tag}
    found = []
    for path in records.paths(workspace.locations.records):
        try:
            record = records.load(path)
        except InputError as error:
            workspace.talk.warn(f"{path}: {error.what}: {'; '.join(error.why)}")
            continue
        if _is_target(record, target) and wanted <= set(record.tags):
            found.append(_line(record, path))
    return tuple(found)


def nothing_of(workspace: Workspace, target: str = "", tags: str = "") -> str:
    """Return the message if no record matches ``target`` and ``tags``, with the nearest match."""
    known = list_records(workspace)
    targets = {name for item in known for name in (item.target, item.target.rpartition(":")[2])}
    used = {tag for item in known for tag in item.tags}
    pairs = [(target, targets), *((tag, used) for tag in tags.split(",") if tag)]
    hints = (did_you_mean(word, names) for word, names in pairs if word and word not in names)
    hint = next(filter(None, hints), "" if known else "create one: loom run program:image-classification-onnx")
    return f"no records; {hint}" if hint else "no records"


def find_record(workspace: Workspace, name: str) -> tuple[Record, Path]:
    """Return a record and its file: by path, id, start of an id, or ``last``. Raises UnknownNameError or InputError."""
    path = records.find(name, workspace.locations.records)
    return records.load(path), path


def remove_record(workspace: Workspace, name: str) -> RemovedRecord:
    """Remove the record called ``name`` (an id or a prefix of one) and its protection of store entries.

    A path outside the folder of records is refused. Raises UnknownNameError or InputError.
    """
    known = {path.stem: path for path in records.paths(workspace.locations.records)}
    found = [path for stem, path in known.items() if name and stem.startswith(name)]
    if len(found) != 1 and name not in known:
        why = [path.stem for path in found]
        what = f"{len(found)} records start with {name!r}" if found else f"there is no record {name!r}"
        raise UnknownNameError(what, why=why, fix=did_you_mean(name, known) or "see loom record ls")
    path = known.get(name) or found[0]
    directory = _directory(path)
    workspace.store.remove_root(f"record-{path.stem}")
    path.unlink()
    return RemovedRecord(id=path.stem, path=str(path), directory=directory)


def _directory(path: Path) -> str:
    try:
        return records.load(path).directory
    except InputError:  # an unreadable record can still be removed
        return ""


def _is_target(record: Record, target: str) -> bool:
    return not target or target in {record.target, record.target.rpartition(":")[2]}


def _line(record: Record, path: Path) -> RecordLine:
    results = record.results
    performance = results.performance if results else None
    return RecordLine(
        id=record.id,
        path=str(path),
        directory=record.directory,
        target=record.target,
        status=record.status,
        started=record.started,
        scenario=results.scenario if results else "",
        samples_per_second=performance.samples_per_second if performance else None,
        accuracy=results.accuracy.value if results and results.accuracy else None,
        valid=performance.valid if performance else None,
        metric=performance.metric if performance else "",
        value=performance.value if performance else None,
        busy=any(item.conditions is not None and item.conditions.is_busy for item in record.repetitions),
        tags=record.tags,
    )
