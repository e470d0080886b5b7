"""What the bootstrap says, on standard error: standard output belongs to the command."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_SECONDS = 4.0  # this long without a line if there is no terminal
_GRACE = 1.0  # until a child that was interrupted, too, is killed
_TICK = 0.2


class BootstrapError(Exception):
    """The environment cannot be made; the text says what and what to do."""


def say(text: str) -> None:
    """Write one message."""
    sys.stderr.write(f"loom: {text}\n")
    sys.stderr.flush()


def wait_visibly(child: "subprocess.Popen[bytes]", what: str, doing: "Callable[[], str]") -> int:
    """Wait for ``child`` and return its status, with a sign of life: ``what``, the elapsed time, and what it is ``doing``.

    On a terminal it is one line that changes and goes; elsewhere a line every few seconds.
    """
    import subprocess  # late: a start that has nothing to wait for is quick
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
