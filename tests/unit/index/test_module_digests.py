import os
import time
from pathlib import Path

import msgspec
import pytest

import benchloom
from benchloom.index.module_digests import ModuleDigests

SETTLED = time.time_ns() - 10**10


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of ours: ``made`` imports ``helper`` inside a function, and a name of ``deep`` that is no module."""
    root = tmp_path / "benchloom"
    write(root / "__init__.py", "")
    write(
        root / "made.py", "def work():\n    from benchloom.helper import number\n    from benchloom.deep import NAME\n"
    )
    write(root / "helper.py", "number = 1\n")
    write(root / "deep" / "__init__.py", "NAME = 'x'\n")
    write(root / "apart.py", "nothing = 0\n")
    monkeypatch.setattr(benchloom, "__file__", str(root / "__init__.py"))
    return root


def write(path: Path, text: str) -> None:
    """Write a source file that changed long ago, as far as ``mtime`` tells."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(SETTLED, SETTLED))


def remembered(file: Path) -> str:
    """Return the digest as a new process would, and keep it; changes of a moment ago settle first."""
    time.sleep(0.12)
    digests = ModuleDigests(file)
    found = digests.of("benchloom.made")
    digests.save()
    assert found == ModuleDigests(None).of("benchloom.made")
    return found


def test_remembered_digest_of_unchanged_sources_needs_no_reading(root: Path, tmp_path: Path):
    file = tmp_path / "modules.msgpack"
    cold = remembered(file)
    kept = set(msgspec.msgpack.decode(file.read_bytes())[1])
    assert kept == {str(root / name) for name in ("made.py", "helper.py", "deep/__init__.py")}
    assert remembered(file) == cold


@pytest.mark.parametrize(
    ("name", "text", "differs"),
    [
        ("helper.py", "number = 2\n", True),
        ("deep/__init__.py", "NAME = 'y'\n", True),
        ("deep/NAME.py", "now = 'a module'\n", True),
        ("apart.py", "nothing = 9\n", False),
    ],
    ids=["imported", "package", "name-becomes-module", "not-imported"],
)
def test_remembered_digest_follows_what_the_module_imports(
    root: Path, tmp_path: Path, name: str, text: str, differs: bool
):
    before = remembered(tmp_path / "modules.msgpack")
    write(root / name, text)
    assert (remembered(tmp_path / "modules.msgpack") != before) is differs


@pytest.mark.usefixtures("root")
def test_damaged_file_is_read_as_none(tmp_path: Path):
    file = tmp_path / "modules.msgpack"
    before = remembered(file)
    file.write_bytes(file.read_bytes()[:-5])
    assert remembered(file) == before
