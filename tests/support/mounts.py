"""Commands over a file system of their own making, mounted in a namespace of mounts: what binds root, too."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def mounted(
    mount: str,
    folder: Path,
    *argv: str,
    then: str = ":",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``argv`` after the shell words ``mount``, in which ``$1`` is ``folder``; ``then`` is what the shell does afterwards.

    Skips the test if this machine lets us mount nothing.
    """
    code = f'{mount} || exit 77; shift; "$@"; code=$?; {then}; exit $code'
    start = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"]), "sh", "-c", code, "sh"]
    try:
        done = subprocess.run(
            [*start, str(folder), *argv], cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False
        )
    except FileNotFoundError:
        pytest.skip("no unshare on this machine")
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip("this machine lets us mount nothing")
    return done
