"""How long a plan's Python environment takes, and how much disk, beside ``uv venv`` and ``uv pip install`` of the same wheels.

Both choose from the indexes that pip is configured with; each has caches of its own, which are empty for the cold lines. They
take turns. Ours checks, seals and flushes every file to the disk, which uv does not; neither compiles what it installs to byte
code. Ours runs from byte code, as it does for anybody who used it once. Every round has folders of its own, which are removed
only at the end: ext4 searches long for a free inode if many were deleted just before.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from benchloom.base.pip_config import find_uv, uv_settings
from benchloom.model.measurement import Measurement, alone, at_most, ratio

ROOT = Path(__file__).resolve().parents[1]
AREA = "environments"
REQUIREMENTS = ("onnxruntime", "numpy", "mlcommons-loadgen", "pillow", "pycocotools")
AGAINST = "uv venv, uv pip install"
IMPORTED = ("benchloom.store.environments.install", "benchloom.store.environments.assemble", "httpx2")


class Bench:
    """Homes and caches of both, new ones in each round, in one folder."""

    def __init__(self, folder: Path, uv: str) -> None:
        self.folder, self.uv = folder, uv
        self.settings = uv_settings(os.environ)
        self.environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        self.environ["PYTHONPATH"] = str(ROOT / "src")
        self.made = 0
        imported = f"import {', '.join(IMPORTED)}"
        subprocess.run([sys.executable, "-c", imported], env=self.environ, check=True)  # writes the byte code

    def forget(self) -> None:
        """Let the next round find no wheels."""
        self.made += 1
        self.round = self.folder / str(self.made)

    def theirs(self) -> float:
        """Return the seconds that uv takes for an environment."""
        self.made += 1
        environ = {**self.settings.environ, "UV_CACHE_DIR": str(self.round / "cache")}
        place = self.round / f"venv-{self.made}"
        install = [self.uv, "pip", "install", "-q", "--python", str(place), *self.settings.options, *REQUIREMENTS]
        start = time.perf_counter()
        for words in ([self.uv, "venv", "-q", "--python", sys.executable, str(place)], install):
            subprocess.run(words, env=environ, check=True, capture_output=True, text=True)
        return time.perf_counter() - start

    def ours(self) -> float:
        """Return the seconds that a plan's environment takes, under a key of its own."""
        self.made += 1
        environ = {**self.environ, "UV_CACHE_DIR": str(self.round / "ours")}
        child = Path(__file__).parent / "children" / "environment.py"
        words = [sys.executable, str(child), str(self.round / "home"), f"environment-{self.made}", *REQUIREMENTS]
        done = subprocess.run(words, env=environ, check=True, capture_output=True, text=True)
        return float(json.loads(done.stdout))

    def disk(self) -> float:
        """Return the megabytes that the store takes; what has several names counts once."""
        files = {(status.st_dev, status.st_ino): status for status in self._statuses()}
        return sum(status.st_blocks for status in files.values()) * 512 / 1e6

    def _statuses(self) -> Iterator[os.stat_result]:
        for base, folders, names in os.walk(self.round / "home" / "store"):
            yield from (os.lstat(os.path.join(base, name)) for name in (*folders, *names))


def measure(is_quick: bool) -> Iterator[Measurement]:
    """Yield the lines; about 10 seconds where ``is_quick``, 45 otherwise."""
    uv = find_uv(os.environ)
    if uv is None:
        warnings.warn("without uv: it is neither on PATH nor in the interpreter's scripts folder", stacklevel=1)
        return
    cold: tuple[list[float], list[float]] = ([], [])
    warm: tuple[list[float], list[float]] = ([], [])
    more: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder).resolve(), uv)
        for _ in range(2 if is_quick else 7):
            bench.forget()
            for ours, theirs in (cold, warm, warm):
                before = bench.disk()
                theirs.append(bench.theirs())
                ours.append(bench.ours())
                if ours is not cold[0]:
                    more.append(bench.disk() - before)
    names = ", ".join(REQUIREMENTS)
    yield ratio(AREA, f"environment, cold: {names}", "s", cold[0], AGAINST, cold[1], at_most(1.5))
    yield ratio(AREA, "the same, wheels here", "s", warm[0], AGAINST, warm[1], at_most(1.5))
    yield alone(AREA, "another environment of the same wheels, disk", "MB", more, at_most(10))
