"""A real terminal: a command in a pseudo terminal of so many columns, and all that appears on it with the time of each piece."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])")
_LIMIT = 240  # seconds


@dataclass
class Shown:
    """What a command showed: ``raw`` with control sequences, ``pieces`` of it with the seconds after which each came."""

    code: int
    raw: str
    pieces: list[tuple[float, str]] = field(repr=False)
    seconds: float

    @property
    def text(self) -> str:
        """All that was written, without control sequences; what was drawn over stands in lines of its own."""
        return _CONTROL.sub("", self.raw).replace("\r\n", "\n").replace("\r", "\n")

    @property
    def lines(self) -> list[str]:
        """Everything that stood in a line of the terminal at some time, without trailing blanks."""
        return [line.rstrip() for line in self.text.split("\n")]

    @property
    def silences(self) -> list[tuple[float, str]]:
        """The times in seconds in which nothing changed, the longest first, each with what stood there: the same again is no change."""
        seen = [(0.0, ""), *((after, _CONTROL.sub("", text).strip()) for after, text in self.pieces)]
        changes = [item for item, before in zip(seen[1:], seen, strict=False) if item[1] != before[1]]
        times = [after for after, _ in changes] + [self.seconds]
        lasted = [
            (times[0], ""),
            *((end - after, text[-120:]) for (after, text), end in zip(changes, times[1:], strict=True)),
        ]
        return sorted(lasted, reverse=True)

    def ok(self) -> "Shown":
        """Return self; fails with everything that was shown if the exit code is not 0."""
        assert self.code == 0, self.text
        return self


def in_terminal(words: Sequence[str], environ: Mapping[str, str], columns: int, cwd: str | None = None) -> Shown:
    """Run ``words`` at a terminal of ``columns`` columns until they end, and return what was shown."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {
        "TERM": "xterm-256color",
        **{key: value for key, value in environ.items() if key not in {"COLUMNS", "LINES"}},
    }
    child = subprocess.Popen(
        list(words), stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd, start_new_session=True
    )
    os.close(slave)
    begun = time.monotonic()
    pieces: list[tuple[float, str]] = []
    data = b""
    try:
        while time.monotonic() - begun < _LIMIT:
            ready, _, _ = select.select([master], [], [], 0.1)
            if not ready:
                continue
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the other side is closed
                chunk = b""
            if not chunk:
                break
            data += chunk
            pieces.append((time.monotonic() - begun, chunk.decode("utf-8", "replace")))
        else:
            child.kill()
    finally:
        os.close(master)
    return Shown(child.wait(timeout=10), data.decode("utf-8", "replace"), pieces, time.monotonic() - begun)
