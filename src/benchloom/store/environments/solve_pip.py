"""pip as the solver: slower, but always available.

Its reports name every file with its digest.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchloom.model.environment import Distribution
from benchloom.store.environments.seam import Commands, Pinned, SolveRequest, SolverError, Source, is_wheel_url

# Options that would make pip look or install outside the target environment.
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


class Pip:
    """The pip of ``source.python``, which can install for other interpreters."""

    name = "pip"

    def __init__(self, source: Source, commands: Commands) -> None:
        self.source, self.commands = source, commands

    def solve(self, question: SolveRequest) -> tuple[Pinned, ...]:
        """Return all distributions that satisfy ``question``.

        Raises SolverError.
        """
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            words = [
                "--dry-run",
                "--ignore-installed",
                f"--report={report}",
                *_words(question, Path(folder, "locked.txt")),
            ]
            self._run(question.python, "install", *words)
            items = msgspec.json.decode(report.read_bytes())["install"]
        return tuple(map(_pinned, items))

    def build(self, archive: Path, out: Path, python: Path, *, is_isolated: bool) -> None:
        """Build one wheel for ``python`` into the folder ``out``.

        Raises SolverError.
        """
        options = [] if is_isolated else ["--no-build-isolation"]
        self._run(str(python), "wheel", "--no-deps", *options, f"--wheel-dir={out}", str(archive))

    def download(self, pinned: Sequence[Pinned], out: Path, python: str) -> None:
        """Download files into the folder ``out`` with pip's own configuration.

        Raises SolverError.
        """
        locked = [Distribution(name=item.name, version=item.version, digest=item.digest) for item in pinned]
        question = SolveRequest(python=python, locked=tuple(locked))
        with tempfile.TemporaryDirectory() as folder:
            self._run(python, "download", f"--dest={out}", *_words(question, Path(folder, "locked.txt")))

    def _run(self, python: str, command: str, *words: str) -> None:
        source = self.source
        options = ["--no-input", "--disable-pip-version-check", *(["--no-index"] if source.offline else [])]
        links = [f"--find-links={folder}" for folder in source.find_links]
        argv = [str(source.python), "-m", "pip", "--python", python, command, *options, *links, *words]
        self.commands.run(argv, _environment(source))


def _words(question: SolveRequest, locked: Path) -> list[str]:
    words = [*(["--no-deps"] if question.is_alone else []), *([] if question.is_isolated else ["--no-build-isolation"])]
    if not question.locked:
        return [*words, *question.requirements]
    lines = [f"{item.name}=={item.version} --hash={item.digest}\n" for item in question.locked]
    locked.write_text("".join(lines), encoding="utf-8")
    return [*words, "--no-deps", "--require-hashes", "-r", str(locked)]


def _pinned(item: dict[str, Any]) -> Pinned:
    source, about = item["download_info"], item["metadata"]
    digest = source.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    if not digest:
        raise SolverError([f"{about['name']} {about['version']} is not a file with a SHA-256 digest: {source['url']}"])
    return Pinned(
        name=about["name"],
        version=about["version"],
        url=source["url"],
        digest=f"sha256:{digest}",
        is_wheel=is_wheel_url(source["url"]),
    )


def _environment(source: Source) -> dict[str, str]:
    dropped = _NOT_FOR_PIP | ({"PIP_FIND_LINKS"} if source.offline else set())
    kept = {k: v for k, v in source.environ.items() if not k.startswith("PYTHON") and k not in dropped}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}
