"""What native code writes to file descriptor 2 is kept back, unless the block fails."""

import os

import pytest

from benchloom.harness.native_stderr import stderr_held


def test_block_that_works_shows_nothing_and_what_follows_is_seen(capfd: pytest.CaptureFixture[str]):
    os.write(2, b"before\n")
    with stderr_held():
        os.write(2, b"native\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before\nafter\n"


def test_block_that_fails_shows_all_it_said(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(ZeroDivisionError), stderr_held():
        os.write(2, b"native\n") // 0
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "native\nafter\n"


def test_file_descriptors_are_given_back():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with stderr_held():
            pass
    assert len(os.listdir("/proc/self/fd")) == before
