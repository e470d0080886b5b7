"""One folder for what the tests of a session share, whichever process of it runs them."""

import os
import shutil
import tempfile

import pytest

SHARED = "LOOM_TEST_SHARED"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the workers inherit what the controller sets
        os.environ[SHARED] = tempfile.mkdtemp(prefix="loom-shared-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)  # up to 3 GB
