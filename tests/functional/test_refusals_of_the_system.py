"""What the operating system refuses is one message with an exit code, never an internal error or a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.repo import SOURCE

FULL = Path("/dev/full")


def loom(*words: str, home: Path, out: int = subprocess.PIPE, err: int = subprocess.PIPE) -> tuple[int, str, str]:
    """Run the command as most users do, with output that Python buffers."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-m", "benchloom", *words],
        env={**inherited, "PYTHONPATH": str(SOURCE), "LOOM_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout or "", done.stderr or ""


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "words",
    [["find"], ["plan", "program:image-classification-onnx", "--json"], ["show", "program:image-classification-onnx"]],
)
def test_output_that_cannot_be_written_is_an_error(words: list[str], tmp_path: Path):
    with FULL.open("w") as full:
        code, _, said = loom(*words, home=tmp_path, out=full.fileno())
    assert code == 4
    assert said == "loom: the output cannot be written: No space left on device\n  where: standard output\n"


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_error_that_cannot_be_written_keeps_its_exit_code(more: list[str], tmp_path: Path):
    with FULL.open("w") as full:
        code, _, _ = loom("find", "--tags=no-such-tag", *more, home=tmp_path, out=full.fileno(), err=full.fileno())
    assert code == 2


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    code, data, said = loom("find", "--json", home=tmp_path / "file" / "home")
    assert code == 4
    assert json.loads(data)["error"]["where"] == str(tmp_path / "file" / "home")
    assert said.startswith("loom: Not a directory\n")
