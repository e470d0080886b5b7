"""Run a command and write what it took: ``python -S -E measured.py FILE COMMAND...``.

FILE gets JSON: wall milliseconds ``ms`` of the command alone, its largest resident memory ``mib`` in MiB, its exit ``code``
(negative: the signal that ended it). A child counts the memory of the process that started it until it is another program,
and the largest stays: so a command is started from here, which is small, and not from the process that runs the benchmarks.
"""

import json
import os
import sys
import time


def main() -> None:
    """Measure the command of ``sys.argv``; its streams are those of this process. Raises OSError where it cannot be started."""
    file, *words = sys.argv[1:]
    start = time.perf_counter()
    _, status, usage = os.wait4(os.posix_spawn(words[0], words, os.environ), 0)
    ms = (time.perf_counter() - start) * 1000
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    found = {"ms": ms, "mib": usage.ru_maxrss / unit, "code": os.waitstatus_to_exitcode(status)}
    with open(file, "w", encoding="utf-8") as out:
        json.dump(found, out)


if __name__ == "__main__":
    main()
