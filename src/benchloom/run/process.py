"""One child process: own process group, exact environment, streams to files, a limit that really ends it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Literal

from benchloom.errors import ExecutionError, InputError
from benchloom.model.base import Value

GRACE_SECONDS = 3.0
_PASSED = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TMPDIR",
        "TEMP",
        "TMP",
        "TZ",
        "TERM",
        "SYSTEMROOT",
        "COMSPEC",
    }
    | {
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "LD_PRELOAD",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "SSL_CERT_FILE",
    }
)
_PASSED_PREFIXES = ("LC_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "CUDA_", "NVIDIA_", "MALLOC_", "LOOM_INPUT_")


class ProcessResult(Value, frozen=True, kw_only=True):
    """How a process ended: exactly one of ``exit_code`` and ``signal`` is set. Times are UTC, ISO 8601."""

    status: Literal["ok", "failed", "timeout", "interrupted"]
    started: str
    ended: str
    seconds: float
    exit_code: int | None = None
    signal: str = ""


def clean_environment(base: Mapping[str, str], additions: Mapping[str, str]) -> dict[str, str]:
    """Return what a child sees: the host variables that programs need to work at all, and ``additions``, exactly.

    Python's own variables are dropped, so that the plan alone decides what is importable. Raises InputError for a name
    or value that no environment can hold.
    """
    env = {k: v for k, v in base.items() if k.upper() in _PASSED or k.startswith(_PASSED_PREFIXES)}
    for name, value in additions.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise InputError(
                f"{name!r} cannot be an environment variable", fix="use a name without '=' and a value without NUL"
            )
    return {**env, **additions}


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float | None,
    stdout: Path,
    stderr: Path,
    echo: Callable[[str], None] | None = None,
) -> ProcessResult:
    """Run ``argv`` without a shell and with standard input closed; past ``timeout`` seconds its whole group is killed.

    ``echo`` receives both streams as they come. Raises ExecutionError where the program cannot be started.
    """
    started, clock = _now(), time.monotonic()
    try:
        child = subprocess.Popen(  # noqa: S603 - the argument vector is the plan's, no shell is involved
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ExecutionError(f"{argv[0]} cannot be started", where=str(cwd), why=[str(error)]) from error
    assert child.stdout is not None
    assert child.stderr is not None
    readers = [
        threading.Thread(target=_copy, args=(child.stdout, stdout, echo), daemon=True),
        threading.Thread(target=_copy, args=(child.stderr, stderr, echo), daemon=True),
    ]
    for reader in readers:
        reader.start()
    is_late = False
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        is_late = True
        _kill_group(child)
    except BaseException:
        _kill_group(child)
        raise
    for reader in readers:
        reader.join(GRACE_SECONDS)
    _end_stragglers(child.pid)
    code = child.returncode
    return ProcessResult(
        status="timeout" if is_late else ("ok" if code == 0 else "failed"),
        started=started,
        ended=_now(),
        seconds=time.monotonic() - clock,
        exit_code=code if code >= 0 else None,
        signal=_signal_name(-code) if code < 0 else "",
    )


def _copy(source: IO[bytes], target: Path, echo: Callable[[str], None] | None) -> None:
    with target.open("ab") as file:
        while chunk := os.read(source.fileno(), 1 << 16):
            file.write(chunk)
            file.flush()
            if echo is not None:
                echo(chunk.decode(errors="replace"))


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the group, a moment of grace, then SIGKILL to whatever is left of it."""
    if sys.platform == "win32":
        child.kill()
        child.wait()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    _end_stragglers(child.pid)
    child.wait()


def _end_stragglers(group: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
