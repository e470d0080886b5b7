"""The real `ck` of the package index, with closed standard input and a home of its own.

    ck = Ck(tmp_path, ROOT)             # a home that knows the repository in ROOT
    out = ck.ok("run", "program:app", "--quiet")
    done = ck.call("run", ...)          # .returncode, .stdout, .stderr
    ck.tidy()                           # removes the folders in which ck ran programs, below the components

Where the running Python is too new for `ck`, a virtual environment made by ``loom venv`` has it.
"""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from support.repo import SOURCE, Loom, Repo

PROGRAM = "program:image-classification-onnx"
ROOT = SOURCE.parent
CLI = "from ck.kernel import cli; cli()"
_PLACE = "Current directory: "


class Ck:
    """`ck` with a home of its own that knows the repositories given as folders."""

    def __init__(self, home: Path, *repositories: Path, **environ: str) -> None:
        self.home = home
        self.repos: list[Repo] = []  # what loom knows besides its own
        self.folders: list[Path] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOOM_", "CK_", "PYTHON"))}
        self.environ = {
            **kept,
            "HOME": str(home),
            "CK_REPOS": str(home / "CK"),
            "CK_LOCAL_REPO": str(home / "CK" / "local"),
            "CK_TOOLS": str(home / "tools"),
            "LOOM_HOME": str(home / "loom"),
            "CK_PYTHON": sys.executable,
            **environ,
        }
        (home / "CK" / "local").mkdir(parents=True)
        (home / "tools").mkdir()
        for folder in repositories:
            name = json.loads((folder / ".ckr.json").read_text())["data_uoa"]
            self.ok("add", f"repo:{name}", f"--path={folder}", "--quiet")

    def call(self, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run ``ck WORDS``."""
        done = subprocess.run(
            [python_with_ck(), "-c", CLI, *words],
            env={**self.environ, **environ},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        self.folders += _places(done.stdout)
        return done

    def ok(self, *words: str, **environ: str) -> str:
        """Run ``ck WORDS`` and return what it printed; fails where it exits with another status than 0."""
        done = self.call(*words, **environ)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        return done.stdout

    def run(self, *words: str, program: str = PROGRAM, **environ: str) -> Any:
        """Run a program in a folder of its own below its component, and return its results."""
        out = self.ok("run", program, "--quiet", "--generate_rnd_tmp_dir", *words, **environ)
        return json.loads((_places(out)[0] / "results.json").read_text())

    def kernel(self, script: str, given: Any) -> Any:
        """Run a Python script beside ck's kernel with ``given`` as JSON on its input, and return the JSON in its last line."""
        done = subprocess.run(
            [python_with_ck(), "-c", script],
            input=json.dumps(given),
            env=self.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])

    def tidy(self) -> None:
        """Remove the folders of runs. `ck clean` would remove those of a test beside this one, too."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def environments(self) -> set[str]:
        """The uids of the env entries."""
        return {path.name for path in (self.home / "CK" / "local" / "env").glob("[0-9a-f]" * 16)}

    def loom(self, *words: str) -> Any:
        """Run ``loom WORDS`` in the same home and return its JSON value."""
        environ = {name: value for name, value in self.environ.items() if name.startswith("LOOM_")}
        answer = Loom(self.home / "loom", *self.repos, **environ)(*words, "--json", "--quiet")
        assert answer.code in {0, 1}, answer.err
        return answer.json


def _places(out: str) -> list[Path]:
    return [Path(line.partition(": ")[2]) for line in out.splitlines() if line.startswith(_PLACE)]


@cache
def python_with_ck() -> str:
    """Return an interpreter that has `ck`: the running one, or that of an environment made for these tests."""
    if sys.version_info < (3, 12):
        return sys.executable
    loom = Loom(Path(mkdtemp(prefix="loom-ck-")))
    path = loom("venv", "create", "ck", "--template=generic", "--json").ok().json["path"]
    return f"{path}/bin/python"
