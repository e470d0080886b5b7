"""The interface between environments and the solvers that choose distributions: uv or pip, one file each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from benchloom.base.group import GRACE_SECONDS, start_group, wait_for_group
from benchloom.model.base import Value
from benchloom.model.environment import Distribution

Installer = Literal["auto", "uv", "pip"]


class Source(Value, frozen=True, kw_only=True):
    """Where distributions come from: ``python`` is the interpreter whose pip is used, ``environ`` the environment of uv and pip.

    ``find_links`` are additional folders of wheels; ``offline`` forbids everything else. ``installer`` chooses between
    uv and pip; ``auto`` takes uv if it is installed and supports pip's configuration.
    """

    python: Path
    environ: Mapping[str, str]
    offline: bool = False
    find_links: tuple[str, ...] = ()
    installer: Installer = "auto"


class EnvironmentRequest(Value, frozen=True, kw_only=True):
    """The content of an environment.

    ``built_among`` lists those of ``requirements`` that are built with others installed, which are then installed as
    well. ``locked`` replaces
    solving: exactly these, each from a file with its digest.
    """

    requirements: tuple[str, ...]
    built_among: dict[str, tuple[str, ...]] = {}
    locked: tuple[Distribution, ...] = ()


class Pinned(Value, frozen=True, kw_only=True):
    """A chosen distribution: a wheel, or a source archive that a wheel is built from.

    ``digest`` (``sha256:...``) and ``size`` in bytes are those of the file at ``url``; an index need not state the
    size, and wheels that are in the store already have no URL.
    """

    name: str
    version: str
    digest: str
    is_wheel: bool
    url: str = ""
    size: int | None = None


class SolveRequest(Value, frozen=True, kw_only=True):
    """What to choose for the interpreter ``python``.

    ``locked`` replaces ``requirements``: exactly these, each from the file with its digest. With ``is_alone``,
    dependencies of requirements are left out. Without ``is_isolated``, distributions whose metadata must be built are
    built among those of ``python``.
    """

    requirements: tuple[str, ...] = ()
    python: str
    locked: tuple[Distribution, ...] = ()
    is_alone: bool = False
    is_isolated: bool = True


class SolverError(Exception):
    """A solver found no solution, or failed; ``lines`` are its messages."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines[0] if lines else "it printed no message")
        self.lines = list(lines)


class Solver(Protocol):
    """Chooses distributions, and builds wheels from source archives."""

    name: str

    def solve(self, question: SolveRequest) -> tuple[Pinned, ...]:
        """Return all distributions that satisfy ``question``.

        Raises SolverError.
        """

    def build(self, archive: Path, out: Path, python: Path, *, is_isolated: bool) -> None:
        """Build one wheel for ``python`` into the folder ``out``.

        Raises SolverError.
        """


class Commands:
    """Runs the commands of a solver with their output in one log."""

    def __init__(self, log: Path) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")

    def run(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a command to its end.

        Raises SolverError with its error lines, or else the last ones.
        """
        before = self.log.stat().st_size
        with self.log.open("ab") as sink:
            child = start_group(argv, env=env, stdout=sink)
            wait_for_group(child, None, GRACE_SECONDS)
        if child.returncode:
            with self.log.open("rb") as stream:
                stream.seek(before)
                text = stream.read().decode(errors="replace")
            said = [line.strip() for line in text.splitlines() if line.strip()]
            errors = [line for line in said if line.startswith(("ERROR", "error:", "cause:"))]
            raise SolverError(errors or said[-6:] or [f"{argv[0]} ended with {child.returncode}"])


def plain(name: str) -> str:
    """Return the canonical name of a distribution."""
    from packaging.utils import canonicalize_name  # late: few commands make an environment

    return canonicalize_name(name)


def named(requirement: str) -> str:
    """Return the canonical name in a requirement (PEP 508)."""
    from packaging.requirements import Requirement  # late, as above

    return plain(Requirement(requirement).name)


def is_wheel_url(url: str) -> bool:
    """Tell from its name whether a file is a wheel."""
    return url.partition("#")[0].partition("?")[0].endswith(".whl")
