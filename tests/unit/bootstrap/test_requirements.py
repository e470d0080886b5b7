"""What pip is told of a project that it does not build."""

import subprocess
import sys
from pathlib import Path

from benchloom.bootstrap import requirements

PROJECT = """\
[project]
name = "mine"
dependencies = ["one>=1", "two; python_version < '3.11'"]
[project.optional-dependencies]
base = ["three[fast]>=3"]
more = ["mine[base]", "four"]
all = ["mine[more, base]", "five"]
"""


def printed(file: Path, *extras: str) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-I", requirements.__file__, str(file), *extras]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_extras_that_name_extras_are_followed_once(tmp_path: Path):
    file = tmp_path / "pyproject.toml"
    file.write_text(PROJECT)
    base = ["one>=1", "two; python_version < '3.11'"]
    assert printed(file).stdout.splitlines() == base
    assert sorted(printed(file, "all").stdout.splitlines()) == sorted([*base, "three[fast]>=3", "four", "five"])


def test_an_extra_that_is_not_there_is_an_error(tmp_path: Path):
    file = tmp_path / "pyproject.toml"
    file.write_text(PROJECT)
    done = printed(file, "none")
    assert (done.returncode, done.stderr) == (1, f"error: {file} has no extra 'none'\n")
