"""What ``environments`` measures in a process of its own: ``python environment.py HOME KEY REQUIREMENT...``.

Makes the environment KEY of the requirements in the store HOME/store, with uv, and prints the seconds that it took as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

from benchloom.base.talk import Silent
from benchloom.store.entries import Store
from benchloom.store.fetch import Fetcher
from benchloom.store.sealing import BuildOutput


def make(home: Path, key: str, requirements: tuple[str, ...]) -> float:
    """Make one environment and return the seconds it took, with the imports that only an installation needs."""
    store, fetcher = Store(home / "store"), Fetcher(home / "store")
    start = time.perf_counter()

    def fill(folder: Path) -> BuildOutput:
        from benchloom.store.environments.install import (  # late, as in a run
            EnvironmentRequest,
            EnvironmentTarget,
            install_environment,
        )
        from benchloom.store.environments.seam import Source

        python = Path(sys.executable)
        _, made = install_environment(
            EnvironmentTarget(folder=folder, final=store.content(key), interpreter=python),
            EnvironmentRequest(requirements=requirements),
            Source(python=python, environ=os.environ, installer="uv"),
            store=store,
            fetcher=fetcher,
            log=home / "log",
            talk=Silent(),
        )
        return made

    store.build(key, "Python environment", fill)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(make(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:]))))
