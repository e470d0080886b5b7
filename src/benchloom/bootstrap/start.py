"""Update the environment of a checkout and run the command in it."""

import os
import shlex

from benchloom.bootstrap.place import (
    STAMP,
    decide,
    make_stamp,
    pick_folder,
    python_in,
    read_stamp,
    take_lock,
    wanted_extras,
    write_stamp,
)
from benchloom.bootstrap.terminal import BootstrapError, say


def ready_folder(root: str, arguments: list[str]) -> tuple[str, bool]:
    """Return the folder of the virtual environment for this command, and whether it is ready. Raises BootstrapError."""
    extras = wanted_extras(arguments)
    venv = os.path.join(root, ".venv")
    if os.environ.get("LOOM_VENV") or decide(root, venv, extras)[0] != "ready":
        venv = pick_folder(root, extras)
    return venv, decide(root, venv, extras)[0] == "ready"


def prepare(root: str, venv: str, arguments: list[str]) -> None:
    """Update the virtual environment under its lock. Raises BootstrapError.

    The stamp is removed first and written last, so a killed installation is never mistaken for a finished one.
    """
    import time  # late, as the installer: the environment is usually ready

    from benchloom.bootstrap.install import build, estimated_seconds, install

    started = time.monotonic()
    handle = take_lock(venv)
    try:
        extras = wanted_extras(arguments)
        action, why = decide(root, venv, extras)
        if action == "ready":
            return
        old = read_stamp(venv)
        extras = sorted({*extras, *(old.get("extras") or [])})
        if old:
            os.unlink(os.path.join(venv, STAMP))
        shown = os.path.relpath(venv, root) if venv.startswith(root + os.sep) else venv
        if action == "build":
            say(f"{why}: creating {shown} (about {estimated_seconds(extras)} s, more if downloads are slow)")
            build(root, venv, extras)
        else:
            say(f"{why}: installing into {shown} again")
            try:
                install(root, venv, extras)
            except BootstrapError:
                write_stamp(venv, old)  # rolled back: the old environment still works, and the next use retries
                raise
        write_stamp(venv, make_stamp(root, venv, extras))
        say(f"ready after {time.monotonic() - started:.0f} s")
    finally:
        os.close(handle)


def start(venv: str, script: str, arguments: list[str]) -> int:
    """Replace this process by the command; on Windows, which does not support that, wait for it."""
    words = [python_in(venv), "-m", "benchloom", *arguments]
    environ = {**os.environ, "LOOM_TYPED": _typed(script)}
    if os.name != "nt":
        os.execve(words[0], words, environ)  # noqa: S606 - this process becomes the command
    import subprocess

    return subprocess.call(words, env=environ)  # noqa: S603 - the environment's own interpreter


def _typed(script: str) -> str:
    """Return how the user calls ``script``, the path by which it was started: its bare name if it is on PATH."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = next((path for folder in folders if os.path.isfile(path := os.path.join(folder, "loom"))), "")
    if found and os.path.realpath(found) == os.path.realpath(script):
        return "loom"
    return shlex.quote(script if os.path.dirname(script) else os.path.join(os.curdir, script))
