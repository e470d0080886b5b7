"""How long the first use of ``./loom`` takes, beside ``uv venv`` and ``uv pip install -e .`` of the same checkout.

Both take their packages from the same indexes, each with a cache of its own: empty (cold) or filled by the round before it
(warm). They take turns. What ``./loom`` does includes the start of the command that it was called for.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchloom.base.pip_config import find_uv, uv_settings
from benchloom.model.measurement import Measurement, at_most, ratio

ROOT = Path(__file__).resolve().parents[1]
AREA = "bootstrap"
PEER = "uv venv, uv pip install -e ."


class Bench:
    """The two commands in a folder of their own, over a copy of the checkout."""

    def __init__(self, folder: Path, uv: str) -> None:
        self.folder, self.uv = folder, uv
        self.checkout = folder / "checkout"
        ignored = shutil.ignore_patterns(".*venv*", ".git", "__pycache__", ".*_cache", ".hypothesis", "tests")
        shutil.copytree(ROOT, self.checkout, ignore=ignored)
        dropped = ("LOOM_", "PYTHON", "VIRTUAL_ENV", "UV_")
        self.environ = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        self.environ["PATH"] = os.pathsep.join([os.path.dirname(uv), self.environ["PATH"]])

    def ours(self) -> float:
        """Return the seconds of a first ``./loom --version``."""
        venv = self.emptied("ours")
        environ = {"LOOM_VENV": str(venv), "HOME": str(self.folder), "UV_CACHE_DIR": str(self.folder / "ours.cache")}
        return self.timed([[sys.executable, str(self.checkout / "loom"), "--version"]], {**self.environ, **environ})

    def peer(self) -> float:
        """Return the seconds of uv's two commands, told what pip is configured with."""
        venv = self.emptied("peer")
        settings = uv_settings({**self.environ, "UV_CACHE_DIR": str(self.folder / "peer.cache")}, str(venv))
        words = ["pip", "install", "--python", str(venv), *settings.options, "-e", str(self.checkout)]
        return self.timed(
            [[self.uv, "venv", "--no-project", "--python", sys.executable, str(venv)], [self.uv, *words]],
            settings.environ,
        )

    def emptied(self, name: str) -> Path:
        """Return the folder of an environment that is not there."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return self.folder / name

    def forget_caches(self) -> None:
        """Let the next round download everything."""
        for name in ("ours.cache", "peer.cache"):
            self.emptied(name)

    def timed(self, commands: Sequence[Sequence[str]], environ: dict[str, str]) -> float:
        """Run the commands one after the other and return their seconds."""
        started = time.perf_counter()
        for words in commands:
            subprocess.run(
                words, env=environ, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, check=True
            )
        return time.perf_counter() - started


def measure(is_quick: bool) -> Iterator[Measurement]:
    """Yield the lines; about 10 seconds where ``is_quick``, 30 otherwise."""
    uv = find_uv(os.environ)
    if uv is None:
        warnings.warn("without uv: pip install uv", stacklevel=1)
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder).resolve(), uv)
        for state in ("cold", "warm"):
            ours, peer = [], []
            for _ in range(2 if is_quick else 5):
                if state == "cold":
                    bench.forget_caches()
                ours.append(bench.ours())
                peer.append(bench.peer())
            yield ratio(AREA, f"first ./loom --version, {state}", "s", ours, PEER, peer, at_most(1.5))
