"""Create the virtual environment: with uv if it is on PATH or available as a wheel, otherwise (or if uv fails) with pip.

Only what the project needs is installed. The project itself is a line in a ``.pth`` file that names the checkout's
``src``: nothing is built, and nothing is written into the checkout.
"""

import os
import shlex
import shutil
import subprocess
import sys

from benchloom.base.pip_config import PipConfigError, UvSettings, find_uv, uv_settings
from benchloom.bootstrap.place import clear, python_in
from benchloom.bootstrap.terminal import BootstrapError, say, wait_visibly

LOG = "loom-install.log"
WHAT = "installing Benchloom and what it needs"
_SITES = "import sys; print(*(p for p in sys.path if p.endswith(('site-packages', 'dist-packages'))), sep='\\n')"


def estimated_seconds(extras: list[str]) -> int:
    """Return the typical time of ``build`` with fast downloads."""
    return (5 if find_uv(os.environ) else 10) * (4 if extras else 1)


def build(root: str, venv: str, extras: list[str]) -> None:
    """Create the virtual environment from scratch. Raises BootstrapError."""
    clear(venv)
    if _is_done_by_uv(find_uv(os.environ), root, venv, extras, is_new=True):
        _link(root, venv)
    else:
        _build_by_pip(root, venv, extras)


def _build_by_pip(root: str, venv: str, extras: list[str]) -> None:
    clear(venv)
    try:
        _call([sys.executable, "-I", "-m", "venv", venv], venv, "creating a virtual environment", _pip_environment())
    except BootstrapError as error:
        fix = "\n  fix: if the log names ensurepip, install your system's python3-venv package"
        raise BootstrapError(str(error) + fix) from error
    if _uv_settings(venv):
        # uv needs a tenth of pip's time for the rest; without it, pip does everything.
        words = [*_pip(venv), "--retries=0", "--only-binary=:all:", "uv"]
        try:
            _call(words, venv, "fetching uv", _pip_environment())
        except BootstrapError:
            say("uv is not available, falling back to pip")
    install(root, venv, extras)


def install(root: str, venv: str, extras: list[str]) -> None:
    """Install what the project and ``extras`` need, and make the checkout importable. Raises BootstrapError."""
    uv = shutil.which("uv", path=os.path.dirname(python_in(venv))) or find_uv(os.environ)
    if not _is_done_by_uv(uv, root, venv, extras, is_new=False):
        _install_by_pip(root, venv, extras)
    _link(root, venv)


def _is_done_by_uv(uv: str | None, root: str, venv: str, extras: list[str], *, is_new: bool) -> bool:
    """Install with uv, into an environment that it creates if ``is_new``; tell whether uv was available and succeeded."""
    settings = _uv_settings(venv) if uv else None
    if not uv or not settings:
        return False
    try:
        if is_new:
            words = [uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", sys.executable, venv]
            _call(words, venv, "creating a virtual environment", settings.environ)
        _install_by_uv(uv, settings, root, venv, extras)
    except BootstrapError:
        say("uv failed, falling back to pip")
        return False
    return True


def _install_by_uv(uv: str, settings: UvSettings, root: str, venv: str, extras: list[str]) -> None:
    wanted = ["-r", os.path.join(root, "pyproject.toml"), *(f"--extra={name}" for name in extras)]
    words = [uv, "pip", "install", "--python", python_in(venv), *settings.options, *wanted]
    _call(words, venv, WHAT, settings.environ)


def _install_by_pip(root: str, venv: str, extras: list[str]) -> None:
    listed = os.path.join(venv, "loom-requirements.txt")
    reader = os.path.join(os.path.dirname(__file__), "requirements.py")
    with open(listed, "wb") as stream:
        words = [python_in(venv), "-IB", reader, os.path.join(root, "pyproject.toml"), *extras]
        _call(words, venv, WHAT, _pip_environment(), stream.fileno())
    _call([*_pip(venv), "-r", listed], venv, WHAT, _pip_environment())


def _pip(venv: str) -> list[str]:
    return [python_in(venv), "-I", "-m", "pip", "install", "--no-warn-script-location", "--progress-bar=off"]


def _link(root: str, venv: str) -> None:
    """Make the checkout's source importable and, if LOOM_PYTHON is set, the packages of that interpreter."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    [site] = _output([python_in(venv), "-IB", "-c", code])
    _write(os.path.join(site, "benchloom.pth"), os.path.join(root, "src") + "\n")
    if os.environ.get("LOOM_PYTHON"):
        lines = [f"import site; site.addsitedir({folder!r})\n" for folder in _output([sys.executable, "-Bc", _SITES])]
        _write(os.path.join(site, "loom-python.pth"), "".join(lines))
    python = python_in(venv)
    command = os.path.join(os.path.dirname(python), "loom")
    if os.name == "nt":
        _write(command + ".cmd", f'@"{python}" -m benchloom %*\n')
    else:
        _write(command, f'#!/bin/sh\nexec {shlex.quote(python)} -m benchloom "$@"\n')
        os.chmod(command, 0o755)


def _write(path: str, text: str) -> None:
    with open(path, "wb") as stream:
        stream.write(os.fsencode(text))


def _output(words: list[str]) -> list[str]:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - an interpreter
    if done.returncode:
        raise BootstrapError(
            f"{words[0]} cannot be started\n  " + os.fsdecode(done.stderr).strip().replace("\n", "\n  ")
        )
    return os.fsdecode(done.stdout).splitlines()


# -- environment of pip and uv ----------------------------------------------------------------------------------------


def _pip_environment() -> dict[str, str]:
    """Return the environment for pip: no user-wide installs, and no cache if the home folder cannot hold one."""
    environ = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    for name in ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
        environ.pop(name, None)
    if not (environ.get("PIP_CACHE_DIR") or _has_cache()):
        environ["PIP_NO_CACHE_DIR"] = "1"
    return environ


def _uv_settings(venv: str) -> UvSettings | None:
    """Return the settings that make uv behave like pip, or None if that is impossible or not wanted."""
    if os.environ.get("LOOM_INSTALLER") == "pip":
        return None
    try:
        settings = uv_settings(os.environ, venv)
    except PipConfigError:
        return None  # pip reports the problem
    if settings.reasons:
        return None
    environ = {name: value for name, value in settings.environ.items() if name != "UV_NO_PROGRESS"}  # it names packages
    if not (environ.get("UV_CACHE_DIR") or _has_cache()):
        environ["UV_NO_CACHE"] = "1"
    return settings._replace(environ=environ)


def _has_cache() -> bool:
    home = os.path.expanduser("~")
    return bool(os.environ.get("XDG_CACHE_HOME")) or (os.path.isdir(home) and os.access(home, os.W_OK))


# -- one step ---------------------------------------------------------------------------------------------------------


def _call(words: list[str], venv: str, what: str, environ: dict[str, str], out: int | None = None) -> None:
    """Run one step with its output in the log. Raises BootstrapError with the error lines of the step."""
    log = os.path.join(venv, LOG)
    with open(log, "ab") as stream:
        start = stream.tell()
        stream.write(("$ " + " ".join(words) + "\n").encode("utf-8", "replace"))
        stream.flush()
        child = subprocess.Popen(  # noqa: S603 - pip, uv or an interpreter
            words,
            stdin=subprocess.DEVNULL,
            stdout=stream if out is None else out,
            stderr=stream,
            env=environ,
            close_fds=False,
        )
        status = wait_visibly(child, what, lambda: _last_line(log, start))
    if status:
        raise BootstrapError(f"{what} failed (exit status {status})\n{_error_lines(log, start)}\n  log: {log}")


def _last_line(log: str, start: int) -> str:
    return (_lines(log, start)[1:] or [""])[-1].strip()


def _error_lines(log: str, start: int) -> str:
    """Return the error lines of the log."""
    lines = _lines(log, start)
    errors = [line for line in lines if line.lstrip().lower().startswith(("error", "fatal"))]
    return "\n".join("  " + line.strip() for line in (errors or lines)[-6:])


def _lines(log: str, start: int) -> list[str]:
    with open(log, "rb") as stream:
        stream.seek(start)
        return [line.rstrip() for line in stream.read().decode("utf-8", "replace").splitlines() if line.strip()]
