"""The persisted index: unchanged files are not opened again, and no shortcut is ever taken for an answer."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchloom.base.digest import iter_files, of_files
from benchloom.index.digests import FolderDigests
from benchloom.index.index import Index, load
from benchloom.index.repositories import Repository, read_repository
from support.repo import SOURCE, Repo

WATCH = """\
import json, sys
from pathlib import Path
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from benchloom.index.index import load
from benchloom.index.repositories import read_repository
root, cache = map(Path, sys.argv[1:])
index = load([read_repository(root)], cache)
for component in index.components:
    index.files_digest(component)
index.remember()
print(json.dumps([len(index.components), [name for name in opened if name.startswith(str(root))]]))
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "trial")
    for number in range(5):
        repo.package(f"p{number}", f"trial,n{number}", files={"data": "x"})
        repo.script(f"s{number}", f"trial,s{number}")
    repo.write("package", "broken", "{")
    _settle(repo)
    return repo


def _settle(repo: Repo) -> None:
    """Wait until what was just written may be remembered (see ``SETTLING_NS``)."""
    newest = max(path.stat().st_ctime for path in repo.root.rglob("*") if path.is_file())
    while time.time() < newest + 0.15:
        time.sleep(0.02)


def _opened(repo: Repo, cache: Path, expected: int = 10) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(repo.root), str(cache)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    count, names = json.loads(done.stdout)
    assert count == expected
    return sorted(os.path.relpath(name, repo.root) for name in names)


def test_warm_start_opens_only_what_changed(repo: Repo, tmp_path: Path):
    cache = tmp_path / "cache"
    cold = _opened(repo, cache)
    assert "package/p0/.cm/meta.json" in cold
    assert "script/s4/_cm.yaml" in cold
    assert _opened(repo, cache) == [".ckr.json"]

    repo.package("p3", "trial,changed", files={"data": "x"})
    opened = {name for name in _opened(repo, cache) if name != ".ckr.json"}
    assert opened
    assert all(name.startswith("package/p3") for name in opened)


def _load(repo: Repo, cache: Path | None) -> Index:
    return load([read_repository(repo.root)], cache)


def test_edit_within_the_same_clock_tick_is_seen(repo: Repo, tmp_path: Path):
    """Same size, same inode, times put back: only that the file had just been written tells that it may change again."""
    file = repo.root / "package" / "p0" / ".cm" / "meta.json"
    file.write_text('{"tags": ["trial-a"]}')
    status = file.stat()
    assert _load(repo, tmp_path / "cache").get("package:p0").tags == ("trial-a",)
    file.write_text('{"tags": ["trial-b"]}')
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert _load(repo, tmp_path / "cache").get("package:p0").tags == ("trial-b",)


def test_edit_that_puts_size_inode_and_mtime_back_is_seen(repo: Repo, tmp_path: Path):
    """Only the time of the change of its status, which nobody can set, tells of the edit."""
    file = repo.root / "package" / "p0" / ".cm" / "meta.json"
    file.write_text('{"tags": ["trial-a"]}')
    _settle(repo)
    before = file.stat()
    assert _load(repo, tmp_path / "cache").get("package:p0").tags == ("trial-a",)
    file.write_text('{"tags": ["trial-b"]}')
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()

    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (before.st_size, before.st_ino, before.st_mtime_ns)
    assert _load(repo, tmp_path / "cache").get("package:p0").tags == ("trial-b",)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 50, b"\xff\xfe garbage"])
def test_damaged_cache_is_read_anew(repo: Repo, tmp_path: Path, damage: bytes):
    cache = tmp_path / "cache"
    first = _load(repo, cache)
    for file in cache.iterdir():
        file.write_bytes(damage)

    assert _load(repo, cache).components == first.components


def test_cache_that_cannot_be_written_changes_nothing(repo: Repo, tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")

    index = _load(repo, tmp_path / "file")
    index.files_digest(index.components[0])
    index.remember()
    assert index.components == _load(repo, None).components


def test_repositories_in_another_order_do_not_share_a_cache(repo: Repo, tmp_path: Path):
    other = Repo(tmp_path / "other", "other")
    other.package("p0", "other")
    _settle(other)
    both = [read_repository(repo.root), read_repository(other.root)]

    def tags(repositories: list[Repository]) -> tuple[str, ...]:
        return load(repositories, tmp_path / "cache").get("package:p0").tags

    assert [tags(both), tags(both[::-1]), tags(both)] == [("n0", "trial"), ("other",), ("n0", "trial")]


def test_folder_digest_is_that_of_its_files_and_follows_every_change(repo: Repo, tmp_path: Path):
    folder = repo.root / "package" / "p0"
    file = tmp_path / "digests"

    def check() -> str:
        digests = FolderDigests(file)
        found = digests.of(folder)
        digests.save()
        assert found == of_files(folder, iter_files(folder))
        return found

    seen = {check(), check()}
    assert len(seen) == 1
    (folder / "more").write_text("1")
    seen.add(check())
    (folder / "more").write_text("2")
    seen.add(check())
    (folder / "more").chmod(0o755)
    seen.add(check())
    (folder / "sub").mkdir()
    (folder / "more").rename(folder / "sub" / "more")
    seen.add(check())
    _settle(repo)
    check()  # now it is remembered
    status = (folder / "sub" / "more").stat()
    (folder / "sub" / "more").write_text("3")
    os.utime(folder / "sub" / "more", ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.add(check())
    assert len(seen) == 6


def test_warm_load_sees_every_change_of_a_base(repo: Repo, tmp_path: Path):
    cache = tmp_path / "cache"
    repo.entry("package", "child", "trial", _base_entry="package.template:base")

    def licence() -> str:
        _settle(repo)
        found = load([read_repository(repo.root)], cache)
        assert found.components == load([read_repository(repo.root)], None).components
        return next((item.licence for item in found.components if item.alias == "child"), "no such component")

    assert licence() == "no such component"
    repo.write("package.template", "base", json.dumps({"licence": "one", "_base_entry": "further"}))
    assert licence() == "no such component"
    repo.write("package.template", "further", json.dumps({"summary": "S"}))
    assert licence() == "one"
    repo.write("package.template", "base", json.dumps({"licence": "two"}))
    assert licence() == "two"
    _opened(repo, cache, 11)
    assert _opened(repo, cache, 11) == [".ckr.json"]
    repo.remove("package.template", "base")
    assert licence() == "no such component"
