"""The end of a child process that leads its own group: nothing of the group outlives it."""

import contextlib
import os
import signal
import subprocess
import sys
import time

GRACE_SECONDS = 3.0
_POLL_SECONDS = 0.02
_live: "set[subprocess.Popen[bytes]]" = set()


def wait_for_group(child: "subprocess.Popen[bytes]", timeout: float | None, grace: float) -> bool:
    """Wait for ``child``, started with ``start_new_session=True``, and tell whether it ended by itself in time.

    Past ``timeout`` seconds, or when the wait is interrupted, its whole group is ended. What a child that ended by
    itself leaves running has ``grace`` seconds to finish.
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
    return True


def end_live() -> None:
    """End every group that some thread is waiting for: an interruption reaches only the main thread by itself."""
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
