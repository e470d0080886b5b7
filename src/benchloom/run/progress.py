"""Show the progress of a child process, which it writes to a small JSON file (``LOOM_PROGRESS``)."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchloom.base import bounded, limits
from benchloom.base.talk import Talk

_INTERVAL = 0.1


@contextmanager
def watched(path: Path, talk: Talk, label: str) -> Iterator[None]:
    """Show the progress in ``path`` (``label``, ``unit``, ``total``, ``done``) until the block ends; then remove the file.

    Until the file exists, ``label`` (if given) is shown.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_follow, args=(path, talk, label, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        path.unlink(missing_ok=True)


def _follow(path: Path, talk: Talk, label: str, stop: threading.Event) -> None:
    shown = 0
    with ExitStack() as stack:
        bar = stack.enter_context(talk.progress(label, None, "")) if label else None
        while not stop.wait(_INTERVAL):
            state = _read(path)
            if state is None:
                continue
            if bar is None or state["label"] != label:
                stack.close()
                label, shown = state["label"], 0
                bar = stack.enter_context(talk.progress(label, state["total"], state["unit"]))
            bar.advance(state["done"] - shown)
            shown = state["done"]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads(bounded.read_bytes(path, limits.METADATA_BYTES))
    except (OSError, ValueError, RecursionError):  # does not exist yet
        return None
    return state if {"label", "unit", "total", "done"} <= state.keys() else None
