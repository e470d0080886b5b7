"""Talk on standard error: progress bars on a terminal, plain lines elsewhere."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from benchloom.base.printable import continued, printable
from benchloom.base.talk import Progress, Silent, Talk
from benchloom.cli.typed import as_typed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress


def make_talk(*, quiet: bool) -> Talk:
    """Return the way to talk to this user."""
    if quiet:
        return Silent()
    return TerminalTalk() if sys.stderr.isatty() else PlainTalk()


class PlainTalk(Silent):
    """Lines for logs and pipes; a bar is one line at its start."""

    def note(self, text: str) -> None:
        """Say one line."""
        click.echo(_message(text), err=True)

    def warn(self, text: str) -> None:
        """Say one line of warning."""
        click.echo(_message(f"warning: {text}"), err=True)

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[Progress]:
        """Say what begins."""
        self.note(f"{label} ({total:,} {unit})" if total else label)
        with super().progress(label, total, unit) as bar:
            yield bar


class _Bar:
    def __init__(self, display: "RichProgress", task: int) -> None:
        self._display, self._task = display, task

    def advance(self, amount: int) -> None:
        self._display.advance(self._task, amount)  # type: ignore[arg-type]

    def total(self, amount: int | None) -> None:
        self._display.update(self._task, total=amount)  # type: ignore[arg-type]


class TerminalTalk(PlainTalk):
    """Bars drawn by rich, which is imported only when the first one is opened; several share one display."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._display: RichProgress | None = None
        self._open = 0

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[Progress]:
        """Show a bar until the block ends."""
        from rich import progress

        with self._lock:
            if self._display is None:
                amount = progress.DownloadColumn() if unit == "B" else progress.MofNCompleteColumn()
                columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), amount)
                self._display = progress.Progress(
                    *columns, progress.TimeElapsedColumn(), console=_console(), transient=True
                )
                self._display.start()
            self._open += 1
            display = self._display
            task = display.add_task(label, total=total)
        try:
            yield _Bar(display, task)
        finally:
            with self._lock:
                self._open -= 1
                display.remove_task(task)
                if not self._open:
                    display.stop()
                    self._display = None

    def note(self, text: str) -> None:
        """Say one line above the bars."""
        self._say(_message(text))

    def warn(self, text: str) -> None:
        """Say one line of warning above the bars."""
        self._say(_message(f"warning: {text}"))

    def _say(self, text: str) -> None:
        with self._lock:
            if self._display is None:
                click.echo(text, err=True)
            else:
                self._display.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _message(text: str) -> str:
    return printable(continued(f"loom: {as_typed(text)}"))


def _console() -> "Console":
    from rich.console import Console

    return Console(stderr=True)
