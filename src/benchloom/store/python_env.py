"""The plan's Python environment: every library of the plan solved together by pip, in one virtual environment."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from benchloom.base.group import GRACE_SECONDS, wait_for_group
from benchloom.base.talk import Talk
from benchloom.errors import InstallError, OfflineError

# pip is the engine's own and works on the new environment from outside (pip's --python), so that the environment holds
# nothing but what the plan asked for.
_NOT_FOR_PIP = frozenset(
    {
        "PIP_DRY_RUN",
        "PIP_PREFIX",
        "PIP_PYTHON",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_ROOT",
        "PIP_TARGET",
        "PIP_USER",
        "VIRTUAL_ENV",
    }
)


def environment_python(folder: Path) -> Path:
    """Return the interpreter of the environment in ``folder``."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def install_environment(
    folder: Path,
    final: Path,
    requirements: Sequence[str],
    *,
    base_python: Path,
    offline: bool,
    log: Path,
    talk: Talk,
    environ: Mapping[str, str],
    find_links: str = "",
) -> dict[str, str]:
    """Make an environment in ``folder`` that works once renamed to ``final``, and return versions by distribution.

    ``base_python`` is the interpreter it is made of, and whose pip is used. Raises OfflineError or InstallError with
    pip's own error lines; the log has the rest.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    env = _pip_environment(environ, offline)
    python = environment_python(folder)
    command = [str(base_python), "-m", "pip", "--python", str(python), "install", "--no-input", "--no-compile"]
    command += ["--disable-pip-version-check", *(["--no-index"] if offline else [])]
    command += [*(["--find-links", find_links] if find_links else []), *requirements]
    with log.open("wb") as sink, talk.progress(f"pip: {len(requirements)} packages", None, "packages"):
        code = _run([str(base_python), "-m", "venv", "--without-pip", str(folder)], env, sink) or _run(
            command, env, sink
        )
    if code:
        raise _failure(requirements, log, offline)
    _move_scripts(folder, final)
    return _versions(python)


def _pip_environment(environ: Mapping[str, str], offline: bool) -> dict[str, str]:
    """Return the user's environment without what would make pip look, or install, outside the new environment."""
    dropped = _NOT_FOR_PIP | ({"PIP_FIND_LINKS"} if offline else set())
    kept = {k: v for k, v in environ.items() if not k.startswith("PYTHON") and k not in dropped}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def _run(command: Sequence[str], env: Mapping[str, str], sink: IO[bytes]) -> int:
    child = subprocess.Popen(  # noqa: S603 - the plan's requirements, no shell is involved
        command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=env, start_new_session=True
    )
    wait_for_group(child, None, GRACE_SECONDS)
    return child.returncode


def _failure(requirements: Sequence[str], log: Path, offline: bool) -> InstallError | OfflineError:
    said = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    lines = [line for line in said if line.startswith("ERROR")] or said[-6:]
    if offline:
        fix = "run without --offline, or give a --mirror folder with the wheels"
        return OfflineError(
            "Python packages are missing and --offline forbids fetching them",
            where=str(log),
            why=[*requirements, *lines[:4]],
            fix=fix,
        )
    fix = "check the network and pip's configuration, then run again"
    return InstallError(
        "pip could not install the plan's Python packages", where=str(log), why=lines[:6] or list(requirements), fix=fix
    )


def _move_scripts(folder: Path, final: Path) -> None:
    """Console scripts name their interpreter by path: let them name the one they will have."""
    old, new = os.fsencode(folder), os.fsencode(final)
    for path in (folder / "bin").glob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if old in data:
                path.write_bytes(data.replace(old, new))
    config = folder / "pyvenv.cfg"
    config.write_text(
        "".join(line for line in config.read_text().splitlines(keepends=True) if not line.startswith("command"))
    )


def _versions(python: Path) -> dict[str, str]:
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    done = subprocess.run(  # noqa: S603 - the environment's own interpreter
        [str(python), "-I", "-c", code], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    found: dict[str, str] = json.loads(done.stdout)
    return dict(sorted(found.items()))
