"""Messages of the bootstrap on standard error: standard output belongs to the command."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_SECONDS = 4.0  # seconds between two lines without a terminal
_GRACE = 1.0  # seconds until an interrupted child is killed
_TICK = 0.2


class BootstrapError(Exception):
    """The environment cannot be created; the text states the problem and the fix."""


def say(text: str) -> None:
    """Write one message."""
    sys.stderr.write(f"loom: {text}\n")
    sys.stderr.flush()


def wait_visibly(child: "subprocess.Popen[bytes]", what: str, doing: "Callable[[], str]") -> int:
    """Wait for ``child`` and return its status, showing ``what``, the elapsed time, and what it is ``doing``.

    On a terminal this is one line that is updated and removed; otherwise a line every few seconds.
    """
    import subprocess  # late: not needed if there is nothing to wait for
    import time

    started = said = time.monotonic()
    moves = sys.stderr.isatty()
    try:
        while True:
            try:
                return child.wait(_TICK)
            except subprocess.TimeoutExpired:
                now = time.monotonic()
                text = f"{what}, {now - started:.0f} s: {doing()}".rstrip(": ")
                if moves:
                    _overwrite(f"loom: {text}")
                elif now - said >= _SECONDS:
                    say(text)
                    said = now
    finally:
        if moves:
            _overwrite("")
        if child.poll() is None:
            _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    import subprocess

    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _overwrite(text: str) -> None:
    import shutil

    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"\r{text[:width]}\x1b[K")
    sys.stderr.flush()
