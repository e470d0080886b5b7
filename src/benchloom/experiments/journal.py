"""The journal of an experiment: every trial is appended as one line of JSON, so that the experiment can be resumed."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.atomic import failures_named, write_bytes
from benchloom.model.base import Document
from benchloom.model.experiment import Trial

JOURNAL_SCHEMA = "benchloom.journal/1"


class _Head(Document, frozen=True, kw_only=True):
    schema: str


class Journal:
    """The trials in the file ``path``, and those appended since it was opened.

    Trials that failed in an earlier session are left out: the cause may be fixed by now. A truncated last line is
    dropped; an invalid file is replaced, and ``warn`` receives the reason. A fresh journal discards everything.
    """

    def __init__(self, path: Path, warn: Callable[[str], None], *, is_fresh: bool = False) -> None:
        self.path = path
        self.trials: list[Trial] = []
        if is_fresh:
            self.clear()
            return
        try:
            self.trials = [trial for trial in self._read() if trial.status == "ok"]
        except (OSError, msgspec.MsgspecError) as error:
            warn(f"{path} cannot be read and is replaced: {error}")
            self.clear()

    def _read(self) -> list[Trial]:
        try:
            data = bounded.read_bytes(self.path, limits.DOCUMENT_BYTES)
        except FileNotFoundError:
            self.clear()
            return []
        whole, _, cut_short = data.rpartition(b"\n")
        head, *lines = whole.split(b"\n")
        if (schema := msgspec.json.decode(head, type=_Head).schema) != JOURNAL_SCHEMA:
            raise msgspec.ValidationError(f"its schema is {schema!r}, this is {JOURNAL_SCHEMA!r}")
        trials = [msgspec.json.decode(line, type=Trial) for line in lines]
        if cut_short:
            write_bytes(self.path, whole + b"\n")
        return trials

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
