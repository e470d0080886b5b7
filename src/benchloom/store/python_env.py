"""The plan's Python environment: every library of the plan solved together by pip, in one virtual environment."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from benchloom.base.group import GRACE_SECONDS, start_group, wait_for_group
from benchloom.base.talk import Talk
from benchloom.errors import InputError, InstallError, OfflineError
from benchloom.model.base import Value
from benchloom.model.environment import Distribution

OLDEST_PYTHON = (3, 10)

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


def interpreter_version(python: Path) -> str:
    """Return the full version of an interpreter. Raises InputError where it cannot be started or is too old for us."""
    code = "import platform; print(platform.python_version())"
    try:
        done = subprocess.run(  # noqa: S603 - the user names the interpreter
            [str(python), "-IB", "-c", code], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error.stderr or error).strip()
        fix = "name an interpreter, such as /usr/bin/python3.12"
        raise InputError(f"{python} is not a Python that runs", where="--python", why=[str(reason)], fix=fix) from error
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


class Source(Value, frozen=True, kw_only=True):
    """Where distributions come from: ``python`` is the interpreter whose pip is used, ``environ`` what that pip sees.

    ``find_links`` is a folder of wheels that is looked into as well; ``offline`` forbids all else.
    """

    python: Path
    environ: Mapping[str, str]
    offline: bool = False
    find_links: str = ""


class Wanted(Value, frozen=True, kw_only=True):
    """What an environment is to hold.

    ``built_among`` names those of ``requirements`` that are built among others, which are installed before them.
    ``locked`` takes the place of solving: exactly these, each from a file with its digest.
    """

    requirements: tuple[str, ...]
    built_among: dict[str, tuple[str, ...]] = {}
    locked: tuple[Distribution, ...] = ()


def install_environment(
    folder: Path, final: Path, wanted: Wanted, source: Source, *, interpreter: Path, log: Path, talk: Talk
) -> tuple[Distribution, ...]:
    """Make an environment in ``folder`` that works once renamed to ``final``, and return what is in it, by name.

    ``interpreter`` is the Python it is made of. Raises OfflineError or InstallError with pip's own error lines; the log
    has the rest.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    env = _pip_environment(source)
    python = environment_python(folder)
    count = len(wanted.locked or wanted.requirements)
    with (
        log.open("wb") as sink,
        talk.progress(f"pip: {count} packages", None, "packages"),
        tempfile.TemporaryDirectory() as notes,
    ):
        code = _run([str(interpreter), "-m", "venv", "--without-pip", str(folder)], env, sink)
        for number, words in enumerate(_steps(wanted, Path(notes))):
            report = Path(notes) / f"{number}.json"
            code = code or _run([*_pip(source, python), f"--report={report}", *words], env, sink)
        if code:
            raise _failure(wanted.requirements, log, source.offline)
        digests = _digests(Path(notes))
    _move_scripts(folder, final)
    return tuple(
        Distribution(name=name, version=version, digest=digests.get(_plain(name), ""))
        for name, version in _versions(python).items()
    )


def _pip(source: Source, python: Path) -> list[str]:
    words = [str(source.python), "-m", "pip", "--python", str(python), "install", "--no-input", "--no-compile"]
    words += ["--disable-pip-version-check", *(["--no-index"] if source.offline else [])]
    return [*words, *(["--find-links", source.find_links] if source.find_links else [])]


def _steps(wanted: Wanted, notes: Path) -> Iterator[list[str]]:
    """Yield the arguments of each call of pip: what is built among others comes after those, alone."""
    if wanted.locked:
        yield from _locked_steps(wanted, notes)
        return
    for requirement, others in wanted.built_among.items():
        yield [*others]
        yield ["--no-build-isolation", "--no-deps", requirement]
    yield [*wanted.requirements]


def _locked_steps(wanted: Wanted, notes: Path) -> Iterator[list[str]]:
    from packaging.requirements import Requirement  # late: few commands make an environment

    late = {_plain(Requirement(item).name) for item in wanted.built_among}
    for name, is_late in (("first", False), ("late", True)):
        chosen = [item for item in wanted.locked if (_plain(item.name) in late) == is_late]
        lines = [f"{item.name}=={item.version} --hash={item.digest}\n" for item in chosen]
        (notes / name).write_text("".join(lines), encoding="utf-8")
        options = ["--no-build-isolation"] if is_late else []
        if chosen:
            yield [*options, "--no-deps", "--require-hashes", "-r", str(notes / name)]


def _digests(notes: Path) -> dict[str, str]:
    """Return the digest of the file each distribution came from, as pip's reports state it, by canonical name."""
    found: dict[str, str] = {}
    for report in sorted(notes.glob("*.json"), key=lambda path: int(path.stem)):
        for item in json.loads(report.read_bytes())["install"]:
            digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", "")
            found[_plain(item["metadata"]["name"])] = f"sha256:{digest}" if digest else ""
    return found


def _plain(name: str) -> str:
    from packaging.utils import canonicalize_name  # late, as above

    return canonicalize_name(name)


def _pip_environment(source: Source) -> dict[str, str]:
    """Return the user's environment without what would make pip look, or install, outside the new environment."""
    dropped = _NOT_FOR_PIP | ({"PIP_FIND_LINKS"} if source.offline else set())
    kept = {k: v for k, v in source.environ.items() if not k.startswith("PYTHON") and k not in dropped}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def _run(command: Sequence[str], env: Mapping[str, str], sink: IO[bytes]) -> int:
    child = start_group(command, env=env, stdout=sink)
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
    replace_path((folder / "bin").glob("*"), folder, final)
    config = folder / "pyvenv.cfg"
    config.write_text(
        "".join(line for line in config.read_text().splitlines(keepends=True) if not line.startswith("command"))
    )


def replace_path(files: Iterable[Path], old: Path, new: Path) -> None:
    """Write ``new`` where ``files`` say ``old``; links and folders among them are left alone."""
    before, after = os.fsencode(old), os.fsencode(new)
    for path in files:
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if before in data:
                path.write_bytes(data.replace(before, after))


def _versions(python: Path) -> dict[str, str]:
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    done = subprocess.run(  # noqa: S603 - the environment's own interpreter
        [str(python), "-IB", "-c", code], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    found: dict[str, str] = json.loads(done.stdout)
    return dict(sorted(found.items()))
