"""Child processes in process groups of their own: no member of a group outlives its leader, or this process.

A process killed with SIGKILL cannot clean up. A shell of a few hundred kilobytes therefore waits at the other end of a
pipe: it is notified of every group; when the pipe closes because this process has ended, it kills the remaining groups.
It works for whole groups and on every POSIX system, and does not depend on which thread started the child, as Linux's
parent-death signal does.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

GRACE_SECONDS = 3.0
_POLL_SECONDS = 0.02
_live: "set[subprocess.Popen[bytes]]" = set()
_GUARD = """
groups=' '
while read -r sign group; do
    case $sign in
        +) groups="$groups$group " ;;
        -) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"""


class _Guard:
    """The shell that outlives this process; it is started with the first group."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None

    def tell(self, sign: str, group: int) -> None:
        """Report that a group started (``+``) or ended (``-``).

        If the shell has ended, groups are no longer guarded.
        """
        with self._lock, contextlib.suppress(OSError):
            self._shell = self._shell or self._start()
            assert self._shell.stdin is not None
            self._shell.stdin.write(f"{sign} {group}\n".encode())

    def _start(self) -> "subprocess.Popen[bytes]":
        atexit.register(self._end)
        return subprocess.Popen(  # noqa: S603 - fixed arguments
            ["/bin/sh", "-c", _GUARD],
            bufsize=0,
            cwd="/",
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # signals to our own group must not end it as well
        )

    def _end(self) -> None:
        if self._shell:
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            self._shell.wait()


_guard = _Guard()


def start_group(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes] | int = subprocess.STDOUT,
    cwd: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start ``argv`` without a shell and without standard input, as the leader of a group that ``wait_for_group`` awaits.

    If this process is killed, the group is killed with it. Raises OSError, or ValueError for arguments or variables
    that cannot be passed to a process.
    """
    child = subprocess.Popen(  # noqa: S603 - no shell is involved
        list(argv),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    if sys.platform != "win32":
        _guard.tell("+", child.pid)
    return child


def output_of_group(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run ``argv`` as ``start_group`` does, wait until its group has ended, and return its status and output."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = start_group(argv, env=env, stdout=out, stderr=err, cwd=cwd)
        wait_for_group(child, None, GRACE_SECONDS)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    return subprocess.CompletedProcess(argv, child.returncode, *texts)


def wait_for_group(child: "subprocess.Popen[bytes]", timeout: float | None, grace: float) -> bool:
    """Wait for ``child``, started by ``start_group``, and tell whether it ended by itself in time.

    After ``timeout`` seconds, or if the wait is interrupted, its whole group is ended. Processes that a child
    leaves running after its own end have ``grace`` seconds to finish.
    """
    _live.add(child)
    try:
        child.wait(timeout)
        _let_finish(child.pid, grace)
    except subprocess.TimeoutExpired:
        end_group(child, grace)
        return False
    except BaseException:
        end_group(child, grace)
        raise
    finally:
        _live.discard(child)
        if sys.platform != "win32":
            _guard.tell("-", child.pid)
    return True


def end_live() -> None:
    """End every group that a thread is waiting for: an interrupt by itself reaches only the main thread."""
    for child in tuple(_live):
        _signal(child.pid, signal.SIGTERM)
    for child in tuple(_live):
        end_group(child, GRACE_SECONDS)


def end_group(child: "subprocess.Popen[bytes]", grace: float) -> None:
    """SIGTERM to the group, ``grace`` seconds for the child, then SIGKILL to whatever is left of the group."""
    if sys.platform == "win32":
        child.kill()
        child.wait()
        return
    try:
        _signal(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    finally:  # also when the user interrupts a second time
        _signal(child.pid, signal.SIGKILL)
        child.wait()


def _let_finish(group: int, grace: float) -> None:
    if sys.platform == "win32":
        return
    end = time.monotonic() + grace
    while _signal(group, 0) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal and tell whether the group has members."""
    if sys.platform == "win32":
        return False
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS answers with the latter when only zombies are left
        return False
    return True
