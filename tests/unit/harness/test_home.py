"""The user's home belongs to the user: what the harness loads leaves nothing there."""

import os
import subprocess
import sys
from pathlib import Path

from support.repo import SOURCE

LOAD = """\
import sys
from benchloom.harness.backends import onnxruntime
onnxruntime.onnxruntime.InferenceSession(sys.argv[1])
"""


def test_a_session_of_onnxruntime_leaves_the_home_as_it_was(tmp_path: Path):
    model = SOURCE.parent / "package" / "model-digits-onnx" / "digits.onnx"
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    words = [sys.executable, "-B", "-c", LOAD, str(model)]
    env = {**environ, "HOME": str(tmp_path), "PYTHONPATH": str(SOURCE)}
    subprocess.run(words, env=env, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []
