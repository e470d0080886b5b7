"""The main job of the checkout, in a home that all tests of one process share, so that samples are made once."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from support.repo import Answer, Loom

TARGET = "program:image-classification-onnx"


@cache
def home() -> Path:
    """Return a LOOM_HOME for this test process."""
    return Path(tempfile.mkdtemp(prefix="loom-test-"))


def run(*words: str, loom: Loom | None = None) -> Answer:
    """Run the main job with ``--json`` and the words."""
    return (loom or Loom(home()))("run", TARGET, "--json", "--quiet", *words)


def record_of(answer: Answer) -> dict[str, Any]:
    """Return the record that a run left."""
    found: dict[str, Any] = json.loads(Path(answer.json["record"]).read_bytes())
    return found
