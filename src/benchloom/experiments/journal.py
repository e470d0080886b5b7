"""The journal of an experiment: every trial is appended as one line of JSON, so that the experiment can be resumed."""

import os
from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.atomic import failures_named, write_bytes
from benchloom.errors import InputError
from benchloom.model.base import Document
from benchloom.model.experiment import Trial
from benchloom.model.schema_version import decode_document, misfit

JOURNAL_SCHEMA = "benchloom.journal/1"
_WHAT = "the journal"
_FIX = "start the search again: --fresh; what was measured before is lost then"


class _Head(Document, frozen=True, kw_only=True):
    schema: str


class Journal:
    """The trials in the file ``path``, and those appended since it was opened.

    Trials that failed in an earlier session are left out: what made them fail may be fixed by now. A last line that was cut
    short is dropped. A fresh journal forgets all. Raises InputError for a file that cannot be read, or is of another schema.
    """

    def __init__(self, path: Path, *, is_fresh: bool = False) -> None:
        self.path = path
        self.trials: list[Trial] = []
        if is_fresh:
            self.clear()
        else:
            self.trials = [trial for trial in self._read() if trial.status == "ok"]

    def _read(self) -> list[Trial]:
        try:
            data = bounded.read_bytes(self.path, limits.DOCUMENT_BYTES)
        except FileNotFoundError:
            self.clear()
            return []
        except OSError as error:
            why = [error.strerror or str(error)]
            raise InputError("the journal cannot be read", where=str(self.path), why=why, fix=_FIX) from error
        whole, _, cut_short = data.rpartition(b"\n")
        head, *lines = whole.split(b"\n")
        decode_document(head, _Head, JOURNAL_SCHEMA, what=_WHAT, where=str(self.path), fix=_FIX)
        trials = [self._trial(number, line) for number, line in enumerate(lines, 2)]
        if cut_short:
            write_bytes(self.path, whole + b"\n")
        return trials

    def _trial(self, number: int, line: bytes) -> Trial:
        try:
            return msgspec.json.decode(line, type=Trial)
        except msgspec.MsgspecError as error:
            raise misfit(error, what=_WHAT, where=f"{self.path}: line {number}", fix=_FIX) from error

    def clear(self) -> None:
        """Discard every trial."""
        self.trials = []
        write_bytes(self.path, msgspec.json.encode(_Head(schema=JOURNAL_SCHEMA)) + b"\n")

    def append(self, trial: Trial) -> None:
        """Add a trial, on disk before this returns. Raises OSError."""
        with failures_named(self.path), self.path.open("ab") as stream:
            stream.write(msgspec.json.encode(trial) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.trials.append(trial)
