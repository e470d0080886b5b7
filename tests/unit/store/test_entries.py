"""Entries: whole or not there, one builder per key, damage set aside, nothing half-written left."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchloom.base.talk import Silent
from benchloom.errors import InputError, InstallError, IntegrityError
from benchloom.store.entries import Store, remove_tree

KEY = "sha256-0123456789abcdef"


class Heard(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", Heard())


def fill(folder: Path) -> dict[str, str]:
    (folder / "sub").mkdir()
    (folder / "sub" / "data.bin").write_bytes(b"abc" * 1000)
    (folder / "tool").write_text("#!/bin/sh\necho hi\n")
    (folder / "tool").chmod(0o755)
    (folder / "link").symlink_to("sub/data.bin")
    return {"component": "package:x"}


def stages(store: Store) -> list[str]:
    folder = store.root / "stage"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def test_build_new_key_publishes_whole_entry_with_digests(store: Store):
    entry = store.build(KEY, "x", fill)
    assert set(entry.files) == {"sub/data.bin", "tool"}
    assert entry.links == {"link": "sub/data.bin"}
    assert entry.size == 3000 + len("#!/bin/sh\necho hi\n")
    assert entry.meta == {"component": "package:x"}
    assert store.find(KEY) == entry
    assert (store.content(KEY) / "link").read_bytes() == b"abc" * 1000
    assert stages(store) == []


def test_build_existing_key_does_not_call_builder(store: Store):
    first = store.build(KEY, "x", fill)

    def never(folder: Path) -> None:
        raise AssertionError(folder)

    assert store.build(KEY, "x", never) == first


def test_build_content_becomes_read_only_and_keeps_executable_bit(store: Store):
    store.build(KEY, "x", fill)
    content = store.content(KEY)
    assert stat.S_IMODE((content / "sub/data.bin").stat().st_mode) == 0o444
    assert stat.S_IMODE((content / "tool").stat().st_mode) == 0o555
    assert stat.S_IMODE((content.parent / "entry.json").stat().st_mode) == 0o444


def test_build_reader_during_building_sees_nothing(store: Store):
    seen = []

    def watched(folder: Path) -> None:
        fill(folder)
        seen.append((Store(store.root).find(KEY), Store(store.root).keys(), store.content(KEY).exists()))

    store.build(KEY, "x", watched)
    assert seen == [(None, (), False)]


def test_build_failing_builder_leaves_nothing_and_passes_its_error(store: Store):
    def fails(folder: Path) -> None:
        fill(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.build(KEY, "x", fails)
    assert store.find(KEY) is None
    assert stages(store) == []
    assert store.build(KEY, "x", fill).files


def test_build_failing_builder_with_keep_failed_leaves_stage_until_gc(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOOM_KEEP_FAILED", "1")

    def fails(folder: Path) -> None:
        fill(folder)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.build(KEY, "x", fails)
    (kept,) = stages(store)
    assert (store.root / "stage" / kept / "content" / "tool").exists()
    assert str(store.root / "stage" / kept) in store.talk.warnings[0]
    store.build(KEY, "x", fill)
    assert stages(store) == [kept]
    assert store.clean_stages(dry_run=True) == (kept,)
    assert stages(store) == [kept]
    assert store.clean_stages() == (kept,)
    assert stages(store) == []


def test_build_pipe_in_content_is_refused(store: Store):
    with pytest.raises(InstallError, match="not a file, folder or link"):
        store.build(KEY, "x", lambda folder: os.mkfifo(folder / "pipe"))
    assert stages(store) == []


def test_build_name_that_is_not_utf8_is_refused(store: Store):
    def builder(folder: Path) -> None:
        with open(os.fsencode(folder) + b"/\xff.txt", "wb"):
            pass

    with pytest.raises(InstallError, match="not UTF-8"):
        store.build(KEY, "x", builder)


def test_build_full_disk_is_install_error_with_free_space(store: Store):
    def builder(_: Path) -> None:
        with open("/dev/full", "wb", buffering=0) as sink:  # the kernel's own ENOSPC
            sink.write(b"x")

    with pytest.raises(InstallError, match="the disk is full: x could") as caught:
        store.build(KEY, "x", builder)
    assert caught.value.exit_code == 3
    assert isinstance(caught.value.details["free_bytes"], int)
    assert stages(store) == []


def test_build_other_os_error_passes_unchanged(store: Store):
    with pytest.raises(FileNotFoundError):
        store.build(KEY, "x", lambda folder: (folder / "no" / "file").write_text(""))


def test_build_many_threads_build_once(store: Store):
    calls = []
    gate = threading.Barrier(8)

    def builder(folder: Path) -> None:
        calls.append(1)
        fill(folder)

    def build(_: int) -> str:
        gate.wait()
        return Store(store.root).build(KEY, "x", builder).key

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(build, range(8))) == [KEY] * 8
    assert len(calls) == 1


def test_build_stale_stage_of_dead_builder_is_removed(store: Store):
    stale = store.root / "stage" / f"{KEY}.1.dead" / "content"
    stale.mkdir(parents=True)
    (store.root / "stage" / f"{KEY}x.1.other").mkdir()
    store.build(KEY, "x", fill)
    assert stages(store) == [f"{KEY}x.1.other"]


@pytest.mark.parametrize("is_by_name", [True, False])
def test_build_stale_stage_that_somebody_still_writes_to_stops_no_builder(store: Store, is_by_name: bool):
    stale = store.root / "stage" / f"{KEY}.1.aa" / "content"
    stale.mkdir(parents=True)
    code = "import os, sys, time\nfor n in range(10**6): os.makedirs(f'{sys.argv[1]}/{n}'); time.sleep(0.001)"
    writer = subprocess.Popen([sys.executable, "-c", code, stale / "a" if is_by_name else "a"], cwd=stale)
    try:
        while len(list(stale.glob("a/*"))) < 200:
            time.sleep(0.01)
        assert store.build(KEY, "x", fill).files
        assert store.find(KEY)
    finally:
        writer.kill()
        writer.wait()
    store.clean_stages()
    assert stages(store) == []


def test_clean_stages_live_builder_keeps_its_stage(store: Store):
    removed = []

    def builder(folder: Path) -> None:
        removed.append(Store(store.root).clean_stages())
        fill(folder)

    store.build(KEY, "x", builder)
    assert removed == [()]


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"key": 1}', None])
def test_find_damaged_entry_goes_to_quarantine_with_warning(store: Store, damage: bytes | None):
    store.build(KEY, "x", fill)
    path = store.content(KEY).parent / "entry.json"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    assert store.find(KEY) is None
    assert store.keys() == ()
    assert len(list((store.root / "quarantine").iterdir())) == 1
    assert len(store.talk.warnings) == 1
    assert "damaged" in store.talk.warnings[0]
    assert store.build(KEY, "x", fill).files


def test_find_entry_of_another_key_goes_to_quarantine(store: Store):
    store.build(KEY, "x", fill)
    os.rename(store.root / "entries" / KEY, store.root / "entries" / "other-key")
    assert store.find("other-key") is None
    assert store.keys() == ()


@pytest.mark.parametrize("change", [{"schema": "benchloom.entry/2"}, {"schema": "benchloom.entry/2", "files": ["new"]}])
def test_entry_of_a_newer_schema_is_refused_and_stays(store: Store, change: dict[str, object]):
    store.build(KEY, "x", fill)
    about = store.root / "entries" / KEY / "entry.json"
    about.write_text(json.dumps({**json.loads(about.read_bytes()), **change}))
    with pytest.raises(InputError, match=r"is of schema 'benchloom\.entry/2'") as caught:
        store.find(KEY)
    assert caught.value.where == str(about)
    assert "upgrade" in caught.value.fix
    with pytest.raises(InputError):
        list(store.entries())
    assert about.exists()
    assert not (store.root / "quarantine").exists()


def test_find_entry_that_is_a_file_goes_to_quarantine(store: Store):
    (store.root / "entries").mkdir(parents=True)
    (store.root / "entries" / KEY).write_text("?")
    assert store.find(KEY) is None
    assert store.build(KEY, "x", fill).files


def test_find_damage_that_was_repaired_meanwhile_keeps_the_new_entry(store: Store, monkeypatch: pytest.MonkeyPatch):
    """A reader that saw nothing yet, then the published folder, must not set the good entry aside."""
    entry = store.build(KEY, "x", fill)
    real = store._read
    answers = iter(["entry.json is missing"])
    monkeypatch.setattr(store, "_read", lambda key: next(answers, None) or real(key))
    assert store.find(KEY) == entry
    assert store.talk.warnings == []


def test_find_while_readers_and_builders_race_never_sets_a_good_entry_aside(store: Store):
    done = threading.Event()
    problems: list[object] = []

    def read() -> None:
        reader = Store(store.root, Heard())
        while not done.is_set():
            entry = reader.find(KEY)
            if entry is not None and entry.label != "x":
                problems.append(entry)
        problems.extend(reader.talk.warnings)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(60):
        store.build(KEY, "x", lambda folder: (folder / "f").write_text("1") and None)
        assert store.remove(KEY)
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert not (store.root / "quarantine").exists()


def test_find_damage_under_construction_by_another_builder_returns_none(store: Store):
    folder = store.root / "entries" / KEY
    folder.mkdir(parents=True)
    with store._lock(KEY, "x"):
        assert store.find(KEY) is None
    assert folder.is_dir()


def test_publish_where_another_builder_was_first_keeps_the_first(store: Store):
    """File systems without locks: the rename decides."""
    other = Store(store.root)

    def builder(folder: Path) -> None:
        elsewhere = Store(store.root.parent / "elsewhere")
        elsewhere.build(KEY, "first", fill)
        (store.root / "entries").mkdir(parents=True)
        os.rename(elsewhere.content(KEY).parent, store.root / "entries" / KEY)
        fill(folder)

    assert other.build(KEY, "second", builder).label == "first"
    assert stages(store) == []


def test_remove_entry_takes_all_of_it(store: Store):
    store.build(KEY, "x", fill)
    assert store.remove(KEY)
    assert not store.remove(KEY)
    assert store.find(KEY) is None
    assert stages(store) == []


def test_entries_lists_readable_entries_in_order(store: Store):
    for key in ("key-b", "key-a", "key-c"):
        store.build(key, key, fill)
    (store.root / "entries" / "key-b" / "entry.json").unlink()
    assert [entry.key for entry in store.entries()] == ["key-a", "key-c"]


@pytest.mark.parametrize("key", ["../x", "a/b", "", "abc", "x" * 129, ".hidden", "a.b.c"])
def test_find_bad_key_is_input_error(store: Store, key: str):
    with pytest.raises(InputError, match="not a store key"):
        store.find(key)


def test_roots_replace_list_and_remove(store: Store):
    store.add_root("record-1", ["key-b", "key-a", "key-a"])
    store.add_root("record-1", ["key-c", "key-a"])
    assert store.roots() == {"record-1": ("key-a", "key-c")}
    assert store.remove_root("record-1")
    assert not store.remove_root("record-1")
    assert store.roots() == {}


def test_roots_unreadable_is_integrity_error_with_file(store: Store):
    store.add_root("r", [])
    (store.root / "roots" / "r.json").write_text("{")
    with pytest.raises(IntegrityError, match="cannot be read") as caught:
        store.roots()
    assert caught.value.where.endswith("r.json")


@pytest.mark.parametrize("name", ["../r", "", "a/b"])
def test_add_root_bad_name_is_input_error(store: Store, name: str):
    with pytest.raises(InputError):
        store.add_root(name, [])


def test_remove_tree_read_only_folders_and_outside_link_removes_only_the_tree(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "f").write_text("x")
    (tree / "a" / "out").symlink_to(outside, target_is_directory=True)
    for folder in (tree / "a" / "b", tree / "a", tree):
        folder.chmod(0o000)
    remove_tree(tree)
    remove_tree(tree)
    assert not tree.exists()
    assert (outside / "precious").exists()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is flushed is looked up in /proc")
def test_all_of_an_entry_is_on_the_disk_before_it_is_published(store: Store, monkeypatch: pytest.MonkeyPatch):
    flushed: set[str] = set()
    published: list[tuple[str, set[str]]] = []
    fsync, rename = os.fsync, os.rename

    def noting_fsync(handle: int) -> None:
        flushed.add(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    def noting_rename(source: Path, target: Path) -> None:
        published.append((str(source), set(flushed)))
        rename(source, target)

    def many(folder: Path) -> None:
        fill(folder)
        for number in range(20):
            (folder / f"part-{number}").write_text(str(number))

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "rename", noting_rename)
    entry = store.build(KEY, "x", many)
    [(stage, before)] = published
    content = ("content", "content/sub", *(f"content/{name}" for name in entry.files))
    assert before >= {stage, *(f"{stage}/{name}" for name in ("entry.json", "seal.json", *content))}
    assert str(store.root / "entries") in flushed - before
