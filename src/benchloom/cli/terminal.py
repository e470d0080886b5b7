"""Talk on standard error: progress bars on a terminal, plain lines otherwise."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from benchloom.base.printable import continued, one_line, printable
from benchloom.base.talk import Progress, Silent, Talk
from benchloom.base.units import amount_text
from benchloom.cli.colour import has_colour, painted_message
from benchloom.cli.layout import fitted
from benchloom.cli.render import width_of
from benchloom.cli.typed import as_typed

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_BAR = 20  # columns
_BESIDE_TITLE = 1 + _BAR + len("0:00:00") + 3  # width of spinner, bar and time with spaces, reserved next to the title


def make_talk(*, quiet: bool) -> Talk:
    """Return the Talk for this stream."""
    if quiet:
        return Silent()
    if not sys.stderr.isatty():
        return PlainTalk()
    return DumbTerminalTalk() if os.environ.get("TERM") == "dumb" else TerminalTalk()


def say(text: str, *, is_error: bool = False) -> None:
    """Write a message to standard error, on a terminal wrapped and with coloured errors and warnings."""
    text = _shaped(text, width_of(sys.stderr))
    in_colour = has_colour(sys.stderr)
    click.echo(painted_message(text, is_error=is_error) if in_colour else text, err=True, color=in_colour)


def _shaped(text: str, width: int | None) -> str:
    """Return a message as it is displayed."""
    return fitted(printable(as_typed(text)), width)


class _Bar:
    """The state of one task. It is drawn a few times per second, so that counting is cheap."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        self.label, self.whole, self.unit = one_line(label), total, unit
        self.done, self.begun = 0, time.monotonic()
        self._lock = threading.Lock()

    def advance(self, amount: int) -> None:
        with self._lock:
            self.done += amount

    def total(self, amount: int | None) -> None:
        self.whole = amount

    @property
    def drawn(self) -> float:
        """The amount drawn as done: never all of it, since a full bar looks stuck while the block still runs."""
        return min(self.done, self.whole * 0.999) if self.whole else self.done

    @property
    def title(self) -> str:
        amount = amount_text(self.done, self.whole, self.unit)
        return f"{self.label}: {amount}" if amount else self.label

    def title_in(self, room: int) -> str:
        """Return the title in at most ``width`` columns: the label is shortened, the amount is not."""
        title = self.title
        excess = len(title) - room
        return title if excess <= 0 else f"{self.label[: -excess - 1]}…{title[len(self.label) :]}"


class PlainTalk(Silent):
    """Lines for logs and pipes: one at the start of a task, and one every few seconds."""

    INTERVAL = 15.0  # seconds between two lines about the same task

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._bars: list[_Bar] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, text: str) -> None:
        """Print one line."""
        self._say(continued(f"loom: {text}"))

    def warn(self, text: str) -> None:
        """Print one line of warning."""
        self._say(continued(f"loom: warning: {text}"))

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[Progress]:
        """Show the progress of the task until the block ends."""
        bar = _Bar(label, total, unit)
        with self._lock:
            self._open(bar)
        try:
            yield bar
        finally:
            with self._lock:
                self._bars.remove(bar)
                self._close(bar)
                idle = None if self._bars else self._thread
                if idle:
                    self._ended.set()
            if idle:
                idle.join()

    def _open(self, bar: _Bar) -> None:
        self._begin(bar)
        self._bars.append(bar)
        if self._thread is None or self._ended.is_set():
            self._ended = threading.Event()
            self._thread = threading.Thread(target=self._watch, args=(self._ended,), daemon=True)
            self._thread.start()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(self.INTERVAL):
            with self._lock, suppress(OSError):  # a closed standard error must not end the task
                if not ended.is_set():
                    self._draw()

    def _begin(self, bar: _Bar) -> None:
        if bar.unit:
            whole = amount_text(0, bar.whole, bar.unit).rpartition(" of ")[2] if bar.whole else ""
            self.note(f"{bar.label} ({whole})" if whole else bar.label)

    def _draw(self) -> None:
        for bar in self._bars:
            self.note(bar.title if bar.unit else f"{bar.label}: {time.monotonic() - bar.begun:.0f} s")

    def _close(self, bar: _Bar) -> None:
        """Do nothing: printed lines stay."""

    def _say(self, text: str) -> None:
        say(text)


class DumbTerminalTalk(PlainTalk):
    """Lines for a terminal without cursor control: more frequent, since a person is waiting."""

    INTERVAL = 4.0


class TerminalTalk(PlainTalk):
    """Bars drawn by rich, which is imported only for tasks that take a moment; several share one display."""

    INTERVAL = 0.1
    MOMENT = 0.3  # seconds: shorter tasks get no bar

    def __init__(self) -> None:
        super().__init__()
        self._display: RichProgress | None = None
        self._tasks: dict[int, TaskID] = {}

    def _begin(self, bar: _Bar) -> None:
        """Do nothing yet: see MOMENT."""

    def _draw(self) -> None:
        now = time.monotonic()
        for bar in self._bars:
            if id(bar) not in self._tasks and now - bar.begun > self.MOMENT:
                self._display = self._display or _started()
                self._tasks[id(bar)] = self._display.add_task(self._title(bar), total=bar.whole)
        for bar in self._bars:
            if self._display and id(bar) in self._tasks:
                task, title = self._tasks[id(bar)], self._title(bar)
                self._display.update(task, description=title, total=bar.whole, completed=bar.drawn)
        if self._display:
            self._display.refresh()

    def _title(self, bar: _Bar) -> str:
        return bar.title_in(self._display.console.width - _BESIDE_TITLE) if self._display else bar.title

    def _close(self, bar: _Bar) -> None:
        if self._display is None:
            return
        if id(bar) in self._tasks:
            self._display.remove_task(self._tasks.pop(id(bar)))
        if not self._tasks:
            self._display.stop()
            self._display = None

    def _say(self, text: str) -> None:
        with self._lock:
            if self._display is None:
                say(text)
            else:
                width = self._display.console.width
                self._display.console.print(_shaped(text, width), markup=False, highlight=False, soft_wrap=True)


def _started() -> "RichProgress":
    from rich import progress
    from rich.console import Console
    from rich.table import Column

    display = progress.Progress(
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        progress.BarColumn(bar_width=_BAR),
        progress.TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    display.start()
    return display
