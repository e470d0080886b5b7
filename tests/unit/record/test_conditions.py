"""What else a machine does: by /proc/stat, less the processor time of our own processes."""

import os
import subprocess
import sys
import time

import pytest

from benchloom.record.conditions import Watch, busy_seconds

HZ = os.sysconf("SC_CLK_TCK")
STAT = """\
cpu  1000 0 1000 9000 0 0 0 0 0 0
cpu0 100 10 50 4000 7 1 2 30 0 0
cpu1 300 0 100 3000 0 0 0 0 0 0
intr 1 2 3
"""


def test_busy_time_is_all_but_idle_of_the_usable_cores():
    assert busy_seconds(STAT, frozenset({0})) == (100 + 10 + 50 + 1 + 2 + 30) / HZ
    assert busy_seconds(STAT, frozenset({0, 1})) == (193 + 400) / HZ
    assert busy_seconds("", frozenset({0})) is None


def spin(seconds: float) -> list[str]:
    return [sys.executable, "-c", f"import time\nend = time.time() + {seconds}\nwhile time.time() < end: pass"]


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="this system does not say")
def test_process_of_another_counts_and_a_child_of_ours_does_not():
    cores = len(os.sched_getaffinity(0))
    other = subprocess.Popen(spin(60))  # not waited for while we watch: it could be anybody's
    time.sleep(0.3)
    watch = Watch()
    time.sleep(1.5)
    with_other = watch.end(("run",))
    other.kill()
    other.wait()

    watch = Watch()
    subprocess.run(spin(1.5), check=True)
    alone = watch.end()

    assert with_other.others > 0.6 / cores
    assert with_other.beside == ("run",)
    assert alone.others < with_other.others + 0.25  # whatever else this machine does
    assert with_other.load_before is not None
    assert with_other.is_busy
