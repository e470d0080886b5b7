"""Say how far a run is: one line of JSON in the file named by ``LOOM_PROGRESS``, replaced a few times a second.

Whoever started the process reads it; without the variable nothing is written.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

VARIABLE = "LOOM_PROGRESS"
INTERVAL = 0.2


@contextmanager
def reported(
    environ: Mapping[str, str], label: str, unit: str, total: int | None, done: Callable[[], int]
) -> Iterator[None]:
    """Report ``done()`` of ``total`` (None: unknown) units under ``label`` until the block ends."""
    path = environ.get(VARIABLE, "")
    if not path:
        yield
        return
    stop = threading.Event()

    def write() -> None:
        text = json.dumps({"label": label, "unit": unit, "total": total, "done": done()})
        part = f"{path}.part"
        with open(part, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(part, path)

    def work() -> None:
        while not stop.wait(INTERVAL):
            write()

    write()
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
