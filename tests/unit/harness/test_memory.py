import mmap
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchloom.harness.memory import let_go

COUNT, SIZE = 64, 16 * mmap.PAGESIZE


@pytest.fixture
def mapped(tmp_path: Path):
    values = np.arange(COUNT, dtype=np.uint8).repeat(SIZE).reshape(COUNT, SIZE)
    np.save(tmp_path / "samples.npy", values)
    return np.load(tmp_path / "samples.npy", mmap_mode="r")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


PEAKS = """
import numpy
from benchloom.harness.memory import peak_memory
before = peak_memory()
held = numpy.ones(200 << 20, numpy.uint8)
during = peak_memory()
del held
print(before, during, peak_memory())
"""


def test_peak_memory_grows_with_what_is_held_and_stays():
    """In a process of its own: what other tests have held counts here."""
    done = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, text=True, check=True)
    before, during, after = map(int, done.stdout.split())
    assert during >= before + (190 << 20)
    assert after >= during - (1 << 20)  # the kernel counts in batches


def test_samples_let_go_are_no_longer_resident_and_can_be_read_again(tmp_path: Path):
    size = 64 << 20
    np.save(tmp_path / "large.npy", np.ones((64, size // 64), np.uint8))
    large = np.load(tmp_path / "large.npy", mmap_mode="r")
    assert int(large.sum(dtype=np.int64)) == size
    full = resident()
    let_go(large, np.arange(64))
    assert full - resident() > size * 3 // 4
    assert int(large.sum(dtype=np.int64)) == size


@pytest.mark.parametrize("indexes", [[], [5], [63, 0, 3, 4, 5, 5], list(range(64))], ids=str)
def test_letting_go_changes_no_sample(mapped: np.ndarray, indexes: list[int]):
    part = np.ascontiguousarray(mapped[:60])
    let_go(part, np.array([item for item in indexes if item < 60], np.int64))
    let_go(mapped, np.array(indexes, np.int64))
    assert [int(row[0]) for row in mapped] == list(range(COUNT))
    assert [int(row[-1]) for row in part] == list(range(60))


def test_letting_go_of_what_is_in_memory_alone_does_nothing():
    held = np.ones((3, 5))
    let_go(held, np.arange(3))
    assert held.sum() == 15


FAULTS = """
import resource, sys
import numpy
from benchloom.harness.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for number in range(41):
    numpy.ones((4 << 20) + number * 1000, numpy.uint8)
    if not number:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library can be told")
def test_memory_that_is_kept_is_not_asked_for_again():
    def faults(word: str) -> int:
        argv = [sys.executable, "-c", FAULTS, word]
        environ = {**os.environ, "NUMPY_MADVISE_HUGEPAGE": "0"}
        return int(subprocess.run(argv, env=environ, capture_output=True, text=True, check=True).stdout)

    assert faults("keep") < faults("") / 4
