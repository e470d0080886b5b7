"""Runs that measure at the same time know of each other, whichever began first; killed ones leave nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from benchloom.run.concurrent_runs import measuring
from support.repo import SOURCE


def test_both_of_two_runs_know_of_the_other(tmp_path: Path):
    with measuring(tmp_path, "first") as first:
        assert first.others == ()
        with measuring(tmp_path, "second") as second:
            assert second.others == ("first",)
        assert first.others == ("second",)  # though it has ended
        with measuring(tmp_path, "third") as third:
            assert third.others == ("first",)
        assert first.others == ("second", "third")
    assert list(tmp_path.iterdir()) == []


def test_run_of_a_killed_process_does_not_count(tmp_path: Path):
    code = (
        "import pathlib, sys, time\n"
        "from benchloom.run.concurrent_runs import measuring\n"
        "with measuring(pathlib.Path(sys.argv[1]), 'killed'):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert child.stdout.readline() == "ready\n"
    with measuring(tmp_path, "mine") as mine:
        assert mine.others == ("killed",)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with measuring(tmp_path, "mine") as mine:
        assert mine.others == ()
    assert list(tmp_path.iterdir()) == []
