"""Report the progress of a run: one line of JSON in the file named by ``LOOM_PROGRESS``, replaced a few times per second.

The parent process reads it. Without the variable, as under ck, a line is printed to standard error every few seconds.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from benchloom.base.units import amount_text

VARIABLE = "LOOM_PROGRESS"
INTERVAL = 0.2  # seconds between two writes of the file
LINE_INTERVAL = 4.0  # seconds between two lines


@contextmanager
def report_progress(
    environ: Mapping[str, str],
    label: str,
    unit: str = "",
    total: int | None = None,
    done: Callable[[], int] | None = None,
) -> Iterator[None]:
    """Report ``done()`` of ``total`` (None: unknown) units under ``label`` until the block ends; units as in ``Talk.progress``."""
    path = environ.get(VARIABLE, "")
    begun, stop = time.monotonic(), threading.Event()
    count = done or (lambda: 0)

    def write() -> None:
        text = json.dumps({"label": label, "unit": unit, "total": total, "done": count()})
        part = f"{path}.{id(stop):x}.part"  # of this block: others may report in the same file
        with suppress(OSError):  # reporting must not stop the work
            with open(part, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(part, path)

    def say() -> None:
        amount = amount_text(count(), total, unit) or f"{time.monotonic() - begun:.0f} s"
        sys.stderr.write(f"loom: {label}: {amount}\n")
        sys.stderr.flush()

    def work() -> None:
        while not stop.wait(INTERVAL if path else LINE_INTERVAL):
            write() if path else say()

    if path:
        write()
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
