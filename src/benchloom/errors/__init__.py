"""The errors shown to users: one class per case that a caller may handle differently, each with its exit code.

An error says what happened, where (file and key), why (a chain, outermost first) and what to do next. Exit codes:
0 ok, 1 negative answer, 2 input, 3 resolve/fetch/install, 4 execution, 5 integrity, 130 interrupted.
"""

from collections.abc import Sequence
from typing import ClassVar

from benchloom.base.printable import indented

EXIT_OK = 0
EXIT_NEGATIVE = 1
EXIT_INPUT = 2
EXIT_RESOLVE = 3
EXIT_EXECUTION = 4
EXIT_INTEGRITY = 5
EXIT_INTERRUPTED = 130


class LoomError(Exception):
    """Base class of every error shown to a user.

    Args:
        what: one sentence that says what went wrong, without a trailing period.
        where: file and key, URL, or command-line flag it is about.
        why: reasons, outermost first.
        fix: what to do next, a command if there is one.
        details: further typed facts for ``--json`` (JSON-serialisable values only).
    """

    exit_code: ClassVar[int] = EXIT_EXECUTION

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: Sequence[str] = (),
        fix: str = "",
        details: dict[str, object] | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = tuple(why)
        self.fix = fix
        self.details = details or {}

    def __str__(self) -> str:
        """Return the whole message, one fact per line."""
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        lines.extend(f"  why: {reason}" for reason in self.why)
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(indented(line) for line in lines)

    def as_dict(self) -> dict[str, object]:
        """Return the fields as JSON-ready values, for ``--json``."""
        return {
            "kind": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "why": list(self.why),
            "fix": self.fix,
            "exit_code": self.exit_code,
            **({"details": self.details} if self.details else {}),
        }


class InputError(LoomError):
    """The command line, a query or a user-supplied file is invalid."""

    exit_code = EXIT_INPUT


class UnknownNameError(InputError):
    """A component, role, flag, variation or tag that does not exist; the fix names the nearest known one."""


class ComponentError(InputError):
    """The component asked for cannot be read or is inconsistent."""


class ResolutionError(LoomError):
    """No set of candidates satisfies every requirement, or several satisfy it equally well."""

    exit_code = EXIT_RESOLVE


class FetchError(LoomError):
    """A download failed from every source, or the disk is full."""

    exit_code = EXIT_RESOLVE


class OfflineError(FetchError):
    """Something is missing and ``--offline`` forbids fetching it."""


class InstallError(LoomError):
    """An install step (pip, script, archive) failed."""

    exit_code = EXIT_RESOLVE


class ExecutionError(LoomError):
    """The program failed; its exit status or signal is in ``details``."""

    exit_code = EXIT_EXECUTION


class RunTimeoutError(ExecutionError):
    """The program exceeded its time limit and its process group was killed."""


class IntegrityError(LoomError):
    """Bytes do not match their digest, an archive is malicious, or a lock no longer matches."""

    exit_code = EXIT_INTEGRITY


class LockDriftError(IntegrityError):
    """The plan differs from the lock that it must match; the differences are in ``why``."""
