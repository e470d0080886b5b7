"""Read the facts files that the engine passes to a run."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchloom.errors import InputError
from benchloom.model.facts import Facts

MISSING = "missing.json"  # next to the samples: a list of the names of skipped images, if any


def read_facts(role: str, environ: Mapping[str, str]) -> Facts:
    """Read the facts file named by ``LOOM_<ROLE>``. Raises InputError if it is not set or cannot be read."""
    name = f"LOOM_{role.upper()}"
    path = environ.get(name, "")
    if not path:
        raise InputError(f"{name} is not set", fix="run the program through loom, ck or cm, which set it")
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Facts)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"the facts of role {role} cannot be read", where=f"{name}={path}", why=[str(error)]
        ) from error
