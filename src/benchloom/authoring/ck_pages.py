"""The commands of CK's pages on MLPerf: a table that is a page of the documentation and that a test types row by row.

``docs/how-to/from-the-ck-pages.yaml`` is the table; its head says what a row holds.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.report.formats.tables.markdown import table_lines

Outcome = Literal["works as written", "works in another spelling", "refused, with what to use"]
AS_WRITTEN: Outcome = "works as written"
SPELLED: Outcome = "works in another spelling"
REFUSED: Outcome = "refused, with what to use"
_INTRO = """\
What a reader of CK's pages on MLPerf vision benchmarks types next, and what becomes of it with [this repository](ck-workflow.md)
and the `ck` of the package index. A test types every one of these commands; downloads come from stand-ins on the same machine there.

`$BENCHLOOM` is the checkout, `$PYTHON` an interpreter. Without a terminal `ck` cannot ask, so a command that asks on the pages needs `--quiet` or one tag more.
"""


class Expectation(Value, frozen=True, kw_only=True):
    """What a command does, as a test can see it.

    Attributes:
        exit: its exit code, or those that it may have.
        says: texts that it prints, on either stream.
        silent: it prints nothing, which is how `ck` says that there is nothing.
        installs: the package that it registers.
        detects: the soft entry that it registers.
        file: a pattern of a file that is there afterwards, below the home of `ck`.
        gone: a path that is not there afterwards.
        results: values of the ``results.json`` that it leaves, by their keys with dots.
        page: a text of the page that it serves.
    """

    exit: int | tuple[int, ...] = 0
    says: tuple[str, ...] = ()
    silent: bool = False
    installs: str = ""
    detects: str = ""
    file: str = ""
    gone: str = ""
    results: dict[str, Any] = {}
    page: str = ""

    def __post_init__(self) -> None:
        """Refuse an expectation that any command would meet."""
        if not (self.says or self.silent or self.installs or self.detects or self.file or self.results or self.page):
            raise ValueError("it states an exit code at most, which is no outcome")

    @property
    def exits(self) -> frozenset[int]:
        """The exit codes that the command may have."""
        return frozenset((self.exit,) if isinstance(self.exit, int) else self.exit)


class PageCommand(Value, frozen=True, kw_only=True):
    """One row: a command of CK's pages, and what becomes of it here; ``without_gpu``: on a machine that has none."""

    id: str
    command: str
    pages: str
    gives: str
    expect: Expectation
    ours: str = ""
    instead: str = ""
    differs: str = ""
    refused: Expectation | None = None
    without_gpu: Expectation | None = None
    given: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    ci: bool = False
    stand_in: bool = False

    def __post_init__(self) -> None:
        """Refuse a row whose outcome is not stated whole."""
        if self.ours and self.instead:
            raise ValueError(f"{self.id}: it has both 'ours' and 'instead'")
        if bool(self.ours) != (self.refused is not None):
            raise ValueError(f"{self.id}: 'ours' and 'refused' belong together")

    @property
    def outcome(self) -> Outcome:
        """Which of the three outcomes the row has."""
        return SPELLED if self.ours else REFUSED if self.instead else AS_WRITTEN


class PageGroup(Value, frozen=True, kw_only=True):
    """Commands that are typed in this order in one home."""

    group: str
    rows: tuple[PageCommand, ...]


def read_table(root: Path) -> tuple[PageGroup, ...]:
    """Return the table of the checkout at ``root``. Raises InputError if it is not one."""
    import yaml  # late: most commands read no YAML

    file = root / "docs" / "how-to" / "from-the-ck-pages.yaml"
    try:
        return msgspec.convert(yaml.safe_load(file.read_text(encoding="utf-8")), type=tuple[PageGroup, ...])
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise InputError("the table of CK's commands cannot be read", where=str(file), why=[str(error)]) from error


def page_lines(groups: Sequence[PageGroup]) -> Iterator[str]:
    """Yield the lines of the page: how many commands have which outcome, and each group as a table."""
    rows = [row for group in groups for row in group.rows]
    yield from (_INTRO, "")
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in (AS_WRITTEN, SPELLED, REFUSED)}
    yield from table_lines(
        ("Of these commands", str(len(rows))), [(name, str(count)) for name, count in counts.items()]
    )
    for group in groups:
        yield from ("", f"## {group.group}", "")
        head = ("On CK's pages", "What it gives", "Here", "What differs")
        yield from table_lines(head, [_cells(row) for row in group.rows])


def _cells(row: PageCommand) -> tuple[str, str, str, str]:
    here = {AS_WRITTEN: "the same", SPELLED: _code(row.ours), REFUSED: f"refused. {row.instead}"}[row.outcome]
    return _code(row.command), f"{row.gives} ({row.pages})", here, row.differs


def _code(command: str) -> str:
    """Return a command as code, which may hold backquotes."""
    mark = "``" if "`" in command else "`"
    return f"{mark}{command}{mark}"
