"""Interpreters and their location in environments."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchloom.errors import InputError

OLDEST_PYTHON = (3, 10)


def interpreter_version(python: Path) -> str:
    """Return the full version of an interpreter.

    Raises InputError if it cannot be started or is too old for us.
    """
    code = "import platform; print(platform.python_version())"
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter is named by the user
            [str(python), "-IB", "-c", code], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error.stderr or error).strip()
        fix = "name an interpreter, such as /usr/bin/python3.12"
        raise InputError(
            f"{python} is not a working Python interpreter", where="--python", why=[str(reason)], fix=fix
        ) from error
    version = done.stdout.strip()
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise InputError(
            f"{python} is Python {version}",
            where="--python",
            why=[f"Benchloom needs {oldest} or newer"],
            fix=f"name a Python {oldest} or newer",
        )
    return version


def environment_python(folder: Path) -> Path:
    """Return the interpreter of the environment in ``folder``."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def replace_path(files: Iterable[Path], old: Path, new: Path) -> None:
    """Replace ``old`` by ``new`` in ``files``; links and folders are left alone."""
    before, after = os.fsencode(old), os.fsencode(new)
    for path in files:
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if before in data:
                path.write_bytes(data.replace(before, after))
