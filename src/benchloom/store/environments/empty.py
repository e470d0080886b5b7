"""The empty environment that wheels are linked into, created while a solver chooses them."""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchloom.base.group import GRACE_SECONDS, start_group, wait_for_group
from benchloom.errors import InstallError
from benchloom.store.environments import bare_venv
from benchloom.store.environments.seam import Commands


@contextmanager
def started_venv(interpreter: Path, folder: Path, env: Mapping[str, str], commands: Commands) -> Iterator[None]:
    """Create an empty environment of ``interpreter`` in ``folder`` concurrently with the block; it is complete when the block ends without an error.

    An interpreter other than the running one is started for that. Raises InstallError, OSError.
    """
    if interpreter == Path(sys.executable):
        with ThreadPoolExecutor(1) as pool:
            making = pool.submit(bare_venv.make, str(folder))
            yield
            making.result()
        return
    with commands.log.open("ab") as sink:
        child = start_group([str(interpreter), "-IB", bare_venv.__file__, str(folder)], env=env, stdout=sink)
    try:
        yield
    finally:
        wait_for_group(child, None, GRACE_SECONDS)
    if child.returncode:
        said = commands.log.read_text(errors="replace").splitlines()[-3:]
        raise InstallError(f"{interpreter} could not create an environment", where=str(commands.log), why=said)
