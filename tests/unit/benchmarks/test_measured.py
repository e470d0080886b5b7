"""The launcher that measures one command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LAUNCHER = Path(__file__).resolve().parents[3] / "benchmarks" / "children" / "measured.py"


def measured(folder: Path, code: str) -> tuple[dict[str, Any], str]:
    file = folder / "measured.json"
    words = [sys.executable, "-S", "-E", str(LAUNCHER), str(file), sys.executable, "-S", "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(file.read_text()), done.stderr


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", -9)])
def test_exit_code_and_standard_error_are_those_of_the_command(tmp_path: Path, ending: str, code: int):
    found, said = measured(tmp_path, f"import os, sys; print('word', file=sys.stderr, flush=True); {ending}")
    assert found["code"] == code
    assert found["ms"] > 0
    assert said == "word\n"


def test_memory_is_that_of_the_command_and_not_of_who_started_the_launcher(tmp_path: Path):
    held = b"x" * (200 << 20)
    small, _ = measured(tmp_path, "pass")
    large, _ = measured(tmp_path, "held = b'x' * (100 << 20)")
    del held
    assert 1 < small["mib"] < 100
    assert 100 < large["mib"] < 200
