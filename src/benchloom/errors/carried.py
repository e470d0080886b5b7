"""Pass an error from a child process to its parent, so that invalid input is reported as such, with its exit code.

The child writes it as JSON to the file named by ``LOOM_ERROR``. Its standard error and exit status stay as they are,
for those who start it by hand.
"""

import contextlib
import json
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from benchloom.base import bounded, limits
from benchloom.errors import EXIT_EXECUTION, InputError, LoomError

VARIABLE = "LOOM_ERROR"


def end(error: Exception, environ: Mapping[str, str]) -> int:
    """Print ``error`` to standard error, pass it to the parent process, and return the exit status.

    A LoomError is printed without a traceback; any other exception counts as a failure of the program.
    """
    if isinstance(error, LoomError):
        sys.stderr.write(f"error: {error}\n")
        leave(error, environ)
        return error.exit_code
    traceback.print_exception(error, file=sys.stderr)
    return EXIT_EXECUTION


def leave(error: LoomError, environ: Mapping[str, str]) -> None:
    """Write ``error`` to the file that ``environ`` names; without the variable, or if it cannot be written, do nothing."""
    if path := environ.get(VARIABLE, ""):
        with contextlib.suppress(OSError):
            Path(path).write_text(json.dumps(error.as_dict()), encoding="utf-8")


def take(path: Path) -> InputError | None:
    """Return the InputError that a child wrote to ``path``, and remove the file; None if there is none."""
    try:
        found = json.loads(bounded.read_bytes(path, limits.METADATA_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    path.unlink(missing_ok=True)
    if not isinstance(found, dict) or found.get("exit_code") != InputError.exit_code:
        return None
    why = found.get("why")
    return InputError(
        str(found.get("what", "")),
        where=str(found.get("where", "")),
        why=[str(item) for item in why] if isinstance(why, list) else (),
        fix=str(found.get("fix", "")),
    )
