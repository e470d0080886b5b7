"""What happens to child processes when the process that started them is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from benchloom.base import group
from benchloom.base.group import output_of_group, start_group, wait_for_group

SOURCE = Path(__file__).resolve().parents[3] / "src"
# The leader and a child of its own, in a thread that ends before the parent does: each adds a line to a file for ever.
PARENT = """
import sys, threading, time
sys.path.insert(0, {source!r})
from benchloom.base.group import start_group, wait_for_group
beat = "while :; do echo $$ >> {file}; sleep 0.02; done"
def start():
    child = start_group(["/bin/sh", "-c", f"({{beat}}) & {{beat}}"], env={{"PATH": "/usr/bin:/bin"}}, stdout=sys.stderr.buffer)
    print(child.pid, flush=True)
thread = threading.Thread(target=start)
thread.start()
thread.join()
time.sleep(600)
"""


def started(file: Path) -> "tuple[subprocess.Popen[str], int]":
    """Start the parent and return it with the group it has started, once both members of the group write."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(source=str(SOURCE), file=file)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    number = int(parent.stdout.readline())
    parent.stdout.close()
    for _ in range(400):
        if file.exists() and file.stat().st_size > 20:
            return parent, number
        time.sleep(0.05)
    raise AssertionError("nothing is written")


def is_gone(number: int) -> bool:
    """Tell whether a group is gone within five seconds."""
    for _ in range(100):
        try:
            os.killpg(number, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_group_whose_starter_is_killed_is_killed_with_it(tmp_path: Path):
    parent, number = started(tmp_path / "beats")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert is_gone(number)


def test_group_whose_starter_is_stopped_goes_on_until_it_is_killed(tmp_path: Path):
    parent, number = started(tmp_path / "beats")
    os.kill(parent.pid, signal.SIGSTOP)
    time.sleep(0.1)
    assert os.killpg(number, 0) is None
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert is_gone(number)


def test_group_that_has_ended_is_no_longer_guarded(monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    monkeypatch.setattr(group._guard, "tell", lambda sign, number: told.append(f"{sign}{number}"))
    with open(os.devnull, "wb") as sink:
        child = start_group(["/bin/sh", "-c", "exit 3"], env={}, stdout=sink)
        assert wait_for_group(child, None, 0.0)
    assert child.returncode == 3
    assert told == [f"+{child.pid}", f"-{child.pid}"]


def test_guard_forgets_a_group_that_ended_and_keeps_the_others():
    guard = group._Guard()
    children = [
        subprocess.Popen(["/bin/sleep", "60"], start_new_session=True, stdout=subprocess.DEVNULL) for _ in range(3)
    ]
    for child in children:
        guard.tell("+", child.pid)
    guard.tell("-", children[1].pid)
    guard.tell("-", 1)  # never told of
    guard._end()
    try:
        assert [children[index].wait(5) for index in (0, 2)] == [-signal.SIGKILL] * 2
        assert children[1].poll() is None
    finally:
        children[1].kill()
        children[1].wait()


def test_guard_that_was_killed_disturbs_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(group, "_guard", group._Guard())
    output_of_group(["/bin/true"], env={})
    assert group._guard._shell
    group._guard._shell.kill()
    group._guard._shell.wait()
    assert output_of_group(["/bin/echo", "well"], env={}).stdout == "well\n"


def test_start_group_from_many_threads_starts_one_guard(monkeypatch: pytest.MonkeyPatch):
    guard, starts, start = group._Guard(), [], group._Guard._start
    monkeypatch.setattr(group, "_guard", guard)
    monkeypatch.setattr(group._Guard, "_start", lambda self: starts.append(1) or start(self))
    threads = [threading.Thread(target=output_of_group, args=(["/bin/true"],), kwargs={"env": {}}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert starts == [1]


def test_output_of_group_returns_both_streams_and_the_code(tmp_path: Path):
    done = output_of_group(["/bin/sh", "-c", "pwd; echo bad >&2; exit 4"], env={}, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (4, f"{tmp_path.resolve()}\n", "bad\n")
