"""The sign of life while something is installed."""

import os
import pty
import select
import signal
import subprocess
import sys
from typing import Any

import pytest

from benchloom.bootstrap import terminal


def child(seconds: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])


def test_a_pipe_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(terminal, "_SECONDS", 0.3)
    assert terminal.wait_visibly(child(0.9), "installing", lambda: "Collecting numpy") == 0
    said = capsys.readouterr().err.splitlines()
    assert said
    assert set(said) <= {f"loom: installing, {seconds} s: Collecting numpy" for seconds in (0, 1)}


def test_what_is_over_at_once_says_nothing(capsys: pytest.CaptureFixture[str]):
    assert terminal.wait_visibly(child(0), "installing", lambda: "Collecting numpy") == 0
    assert capsys.readouterr().err == ""


def test_a_terminal_has_one_line_that_changes_and_goes(monkeypatch: pytest.MonkeyPatch):
    master, slave = pty.openpty()
    monkeypatch.setenv("COLUMNS", "40")
    names: Any = iter([f"Collecting package-number-{number:03}" for number in range(100)])
    with os.fdopen(slave, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert terminal.wait_visibly(child(0.7), "installing", lambda: next(names)) == 0
        shown = ""
        while select.select([master], [], [], 0.1)[0]:
            shown += os.read(master, 10_000).decode()
    os.close(master)
    assert "\n" not in shown
    lines = [line.removesuffix("\x1b[K") for line in shown.split("\r")]
    assert {"loom: installing, 0 s: Collecting packa"} <= set(lines)
    assert max(map(len, lines)) == 39
    assert lines[-1] == ""


def test_an_interruption_ends_what_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    def interrupt() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(terminal, "_SECONDS", 0.1)
    monkeypatch.setattr(terminal, "_GRACE", 0.1)
    waiting = child(60)
    with pytest.raises(KeyboardInterrupt):
        terminal.wait_visibly(waiting, "installing", interrupt)
    assert waiting.poll() == -signal.SIGKILL
