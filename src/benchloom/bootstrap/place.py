"""The location of a checkout's virtual environment, and whether it is up to date."""

import contextlib
import errno
import hashlib
import json
import os
import stat
import sys
from typing import Any

from benchloom.bootstrap.terminal import BootstrapError, say

STAMP = "loom-stamp.json"
LOCK = "loom-install.lock"
LAYOUT = 2  # format of the environment; the first one used an editable installation, which also names the checkout
Stamp = dict[str, Any]


def python_in(venv: str) -> str:
    """Return the interpreter of a virtual environment."""
    return os.path.join(venv, "Scripts", "python.exe") if os.name == "nt" else os.path.join(venv, "bin", "python")


def wanted_extras(arguments: list[str]) -> list[str]:
    """Return the extras of the project that this command needs, sorted."""
    words = [word.strip() for word in os.environ.get("LOOM_EXTRAS", "").split(",")]
    if arguments[:1] in (["test"], ["bench"]):
        words.append("test")
    return sorted({word for word in words if word})


# -- the stamp of a finished installation -----------------------------------------------------------------------------


def read_stamp(venv: str) -> Stamp:
    """Return the stamp of the finished installation; empty if none finished."""
    try:
        with open(os.path.join(venv, STAMP), encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_stamp(venv: str, stamp: Stamp) -> None:
    """Mark the installation as finished, atomically."""
    part = os.path.join(venv, STAMP + ".part")
    with open(part, "w", encoding="utf-8") as stream:
        json.dump(stamp, stream, indent=1, sort_keys=True)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, os.path.join(venv, STAMP))


def make_stamp(root: str, venv: str, extras: list[str]) -> Stamp:
    """Return the facts that an installation depends on."""
    with open(os.path.join(root, "pyproject.toml"), "rb") as stream:
        project = hashlib.sha256(stream.read()).hexdigest()
    return {
        "layout": LAYOUT,
        "root": root,
        "venv": os.path.realpath(venv),
        "interpreter": os.path.realpath(python_in(venv)),
        "chosen": os.environ.get("LOOM_PYTHON", ""),
        "pyproject": project,
        "extras": extras,
    }


def decide(root: str, venv: str, extras: list[str]) -> tuple[str, str]:
    """Return the next action, `ready`, `install` or `build`, and why."""
    stamp = read_stamp(venv)
    if not stamp:
        left = os.path.isdir(venv) and set(os.listdir(venv)) - {LOCK}
        return "build", "unfinished installation" if left else "first use"
    now = make_stamp(root, venv, extras)
    for is_wrong, why in (
        (not os.path.exists(python_in(venv)) or stamp.get("interpreter") != now["interpreter"], "its Python changed"),
        (stamp.get("venv") != now["venv"], "it was moved"),
        (stamp.get("layout") != LAYOUT, "another version of loom created it"),
        (now["chosen"] and stamp.get("chosen") != now["chosen"], "LOOM_PYTHON changed"),
    ):
        if is_wrong:
            return "build", why
    if stamp.get("root") != root:
        return "install", "the checkout was moved"
    if stamp.get("pyproject") != now["pyproject"]:
        return "install", "pyproject.toml changed"
    missing = [extra for extra in extras if extra not in (stamp.get("extras") or [])]
    return ("install", "adding " + ", ".join(missing)) if missing else ("ready", "")


# -- the folder -------------------------------------------------------------------------------------------------------


def pick_folder(root: str, extras: list[str]) -> str:
    """Return the virtual environment to use: the first candidate that is ready or writable. Raises BootstrapError."""
    if os.environ.get("LOOM_VENV"):
        venv = os.path.abspath(os.path.expanduser(os.environ["LOOM_VENV"]))
        if reason := why_unusable(root, venv, extras):
            raise BootstrapError(f"LOOM_VENV={venv} cannot be used: {reason}")
        return venv
    reasons: list[str] = []
    for venv in _candidates(root):
        reason = why_unusable(root, venv, extras)
        if not reason:
            if reasons and decide(root, venv, extras)[0] != "ready":
                say(f"the virtual environment goes to {venv}, because {reasons[0]}")
            return venv
        reasons.append(f"{venv}: {reason}")
    raise BootstrapError(
        "no folder is usable for the virtual environment (set LOOM_VENV to one):\n  " + "\n  ".join(reasons)
    )


def _candidates(root: str) -> list[str]:
    """Return the candidate folders of the virtual environment, best first."""
    home = os.path.expanduser("~")
    name = "venv-" + hashlib.sha256(root.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    cache = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME") or os.path.join(home, ".cache")
    folders = [os.path.join(root, ".venv")]
    if os.environ.get("LOOM_HOME"):
        folders.append(os.path.join(os.path.abspath(os.path.expanduser(os.environ["LOOM_HOME"])), name))
    if os.path.isdir(home):
        folders.append(os.path.join(cache, "benchloom", name))
    folders.append(os.path.join(_temporary_folder(), name))
    return folders


def why_unusable(root: str, venv: str, extras: list[str]) -> str:
    """Claim a folder for the virtual environment unless it is ready; return why that is impossible, or nothing.

    Ownership is checked before anything in the folder is read. A non-empty folder that this script did not create is
    never changed.
    """
    shared = _temporary_folder()
    try:
        reason = _why_untrusted(shared) if os.path.dirname(venv) == shared else ""
        if reason or _is_foreign(venv):
            return reason or "it belongs to another user"
        if decide(root, venv, extras)[0] == "ready":
            return ""
        if os.path.isdir(venv) and os.listdir(venv) and not os.path.exists(os.path.join(venv, LOCK)):
            return "it was not created by loom"
        os.makedirs(venv, mode=0o755, exist_ok=True)
        with open(os.path.join(venv, LOCK), "a", encoding="utf-8"):
            return ""
    except OSError as error:
        return str(error.strerror or error)


def _temporary_folder() -> str:
    """Return this user's folder below the temporary one, the last resort of a user without a home."""
    import tempfile  # late, as others here: the environment is usually ready

    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return os.path.join(tempfile.gettempdir(), "benchloom-" + user)


def _why_untrusted(folder: str) -> str:
    """Create a folder below the temporary one if it is missing; return why it is not trusted, or nothing.

    Everybody can write to the temporary folder, so a folder of our name may belong to another user.
    """
    try:
        os.mkdir(folder, 0o700)
    except OSError as error:
        if not os.path.lexists(folder):
            return str(error.strerror or error)
    return "" if _is_private(folder) else f"{folder} is not private to this user (mode 0700)"


def _is_private(folder: str) -> bool:
    """Tell whether this is a folder (not a link) that belongs to this user and is closed to others."""
    if not hasattr(os, "getuid"):
        return True  # Windows: the temporary folder is the user's own
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == 0o700


def _is_foreign(venv: str) -> bool:
    """Tell whether a folder belongs to another user."""
    return hasattr(os, "getuid") and os.path.lexists(venv) and os.lstat(venv).st_uid != os.getuid()


# -- one installer at a time ------------------------------------------------------------------------------------------


def take_lock(venv: str) -> int:
    """Wait until no other process installs into this folder; return the open lock file.

    Children inherit it, so the lock outlives this process for as long as an orphaned installer still writes.
    """
    handle = os.open(os.path.join(venv, LOCK), os.O_RDWR | os.O_CREAT, 0o644)
    if not _try_lock(handle):
        import time

        say(f"another loom is installing into {venv}: waiting for it")
        while not _try_lock(handle):
            time.sleep(0.2)
    os.set_inheritable(handle, True)  # noqa: FBT003 - the library's own signature
    return handle


def _try_lock(handle: int) -> bool:
    """Acquire the lock if it is free. On a file system without locks it counts as free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
    return True


def clear(venv: str) -> None:
    """Remove everything except the lock, which a waiting process holds open."""
    import shutil

    for name in os.listdir(venv):
        path = os.path.join(venv, name)
        if name == LOCK:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
