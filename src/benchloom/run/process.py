"""Run a child process: in its own process group, with an exact environment, output to files, and a strict time limit.

The child writes to the files directly: no pipe can fill up, and this process does not disturb measurements unless
output is echoed.
"""

import codecs
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from benchloom.base import group
from benchloom.base.limits import OUTPUT_TAIL_BYTES
from benchloom.errors import ExecutionError, InputError
from benchloom.model.base import Value
from benchloom.model.inputs import INPUT_PREFIX

if TYPE_CHECKING:
    import subprocess

_ECHO_SECONDS = 0.05
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
_PASSED_PREFIXES = ("LC_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "CUDA_", "NVIDIA_", "MALLOC_", INPUT_PREFIX)


class ProcessResult(Value, frozen=True, kw_only=True):
    """How a process ended: exactly one of ``exit_code`` and ``signal`` is set. Times are UTC, ISO 8601."""

    status: Literal["ok", "failed", "timeout", "interrupted"]
    started: str
    ended: str
    seconds: float
    exit_code: int | None = None
    signal: str = ""


def clean_environment(base: Mapping[str, str], additions: Mapping[str, str]) -> dict[str, str]:
    """Return the exact environment of a child: the host variables that programs need, and ``additions``.

    Python's own variables are dropped, so that the plan alone decides what is importable. Raises InputError for an
    invalid name or value.
    """
    env = {k: v for k, v in base.items() if k.upper() in _PASSED or k.startswith(_PASSED_PREFIXES)}
    for name, value in additions.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise InputError(
                f"{name!r} is not a valid environment variable", fix="use a name without '=' and a value without NUL"
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
    """Run ``argv`` without a shell and with standard input closed; after ``timeout`` seconds its whole group is killed.

    Output is appended to the files ``stdout`` and ``stderr``; ``echo`` receives both streams as they grow. An interrupt
    kills the group and is re-raised; if this process is killed, the group is killed as well. Raises ExecutionError if
    the program cannot be started.
    """
    started, clock = utc_now(), time.monotonic()
    with stdout.open("ab") as out, stderr.open("ab") as err, _echoing((stdout, stderr), echo):
        child = _start(argv, cwd, env, out, err)
        is_in_time = group.wait_for_group(child, timeout, group.GRACE_SECONDS)
    code = child.returncode
    status: Literal["ok", "failed", "timeout"] = "ok" if code == 0 else "failed"
    return ProcessResult(
        status=status if is_in_time else "timeout",
        started=started,
        ended=utc_now(),
        seconds=time.monotonic() - clock,
        exit_code=code if code >= 0 else None,
        signal=_signal_name(-code) if code < 0 else "",
    )


def _start(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], out: IO[bytes], err: IO[bytes]
) -> "subprocess.Popen[bytes]":
    try:
        return group.start_group(argv, cwd=cwd, env=env, stdout=out, stderr=err)
    except (OSError, ValueError) as error:  # ValueError: arguments or variables that cannot be passed to a process
        raise ExecutionError(f"{argv[0]} cannot be started", where=str(cwd), why=[str(error)]) from error


@contextlib.contextmanager
def _echoing(paths: Sequence[Path], echo: Callable[[str], None] | None) -> Iterator[None]:
    """Echo what is appended to ``paths`` until the block ends, to the last byte."""
    if echo is None:
        yield
        return
    with contextlib.ExitStack() as opened:
        streams = [opened.enter_context(path.open("rb")) for path in paths]
        for stream in streams:
            stream.seek(0, os.SEEK_END)
        ended = threading.Event()
        follower = threading.Thread(target=_follow, args=(streams, echo, ended), daemon=True)
        follower.start()
        try:
            yield
        finally:
            ended.set()
            follower.join()


def _follow(streams: Sequence[IO[bytes]], echo: Callable[[str], None], ended: threading.Event) -> None:
    decoders = [codecs.getincrementaldecoder("utf-8")(errors="replace") for _ in streams]
    is_last = False
    while not is_last:
        is_last = ended.wait(_ECHO_SECONDS)
        for stream, decoder in zip(streams, decoders, strict=True):
            if text := decoder.decode(stream.read(), final=is_last):
                try:
                    echo(text)
                except OSError:  # the reader has gone; the files have everything
                    return


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def utc_now() -> str:
    """Return the time in UTC, ISO 8601, in milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def how_it_ended(exit_code: int | None, signal_name: str) -> str:
    """Return ``exit code 7`` or ``signal SIGKILL``."""
    return f"exit code {exit_code}" if exit_code is not None else f"signal {signal_name}"


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a child's output. A redrawn line counts as several."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - OUTPUT_TAIL_BYTES))
            text = stream.read(OUTPUT_TAIL_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.replace("\r", "\n").splitlines()[-count:]
