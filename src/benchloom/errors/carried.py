"""Hand an error from a child process to who started it, so that wrong input is told, and counted, as such.

The child leaves it as JSON in the file named by ``LOOM_ERROR``. What it writes to its error stream and its exit status stay as
they are: both serve whoever starts it by hand.
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
    """Say ``error`` on the error stream, hand it to who started this process, and return the exit status.

    One that explains itself has no traceback; any other is a failure of what was run.
    """
    if isinstance(error, LoomError):
        sys.stderr.write(f"error: {error}\n")
        leave(error, environ)
        return error.exit_code
    traceback.print_exception(error, file=sys.stderr)
    return EXIT_EXECUTION


def leave(error: LoomError, environ: Mapping[str, str]) -> None:
    """Write ``error`` where ``environ`` says; without the variable, or where it cannot be written, nothing happens."""
    if path := environ.get(VARIABLE, ""):
        with contextlib.suppress(OSError):
            Path(path).write_text(json.dumps(error.as_dict()), encoding="utf-8")


def take(path: Path) -> InputError | None:
    """Return the wrong input that a child has left in ``path``, and remove the file; None if it left no such error."""
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
