"""Garbage collection and re-hashing of real stores."""

import os
import shutil
from pathlib import Path

import pytest

from benchloom.errors import InputError, IntegrityError
from benchloom.store.entries import Store
from benchloom.store.fetch import download_lock
from benchloom.store.gc import collect
from benchloom.store.verify import refuse_damaged, verify


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three entries, one of them a root's; a blob and a partial; a dead stage; a quarantined entry."""
    made = Store(tmp_path / "store")
    for key in ("key-dead", "key-kept", "key-root", "key-torn"):
        made.build(key, key, fill)
    made.add_root("record-1", ["key-root", "key-never-built"])
    (made.root / "entries/key-torn/entry.json").unlink()
    made.find("key-torn")
    downloads = made.root / "downloads"
    downloads.mkdir()
    for name in ("sha256-aa", "sha256-bb.part", "sha256-bb.part.tag", ".sha256-bb.part.tag.x1.tmp"):
        (downloads / name).write_bytes(b"x" * 100)
    (made.root / "stage/key-gone.1.abcd/content").mkdir(parents=True)
    (made.root / "stage/key-gone.1.abcd/content/half").write_bytes(b"x" * 1000)
    return made


def fill(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/a").write_bytes(b"a" * 10)
    (folder / "b").write_bytes(b"b" * 10)
    (folder / "link").symlink_to("b")


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def everything(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if "locks" not in path.parts)


def test_collect_removes_what_nothing_reaches_and_keeps_the_rest(store: Store):
    report = collect(store, frozenset({"key-kept"}))
    assert report.removed == ("key-dead",)
    assert report.kept == ("key-kept", "key-root")
    assert report.stages == ("key-gone.1.abcd",)
    assert len(report.quarantined) == 1
    assert report.downloads == (".sha256-bb.part.tag.x1.tmp", "sha256-aa", "sha256-bb.part", "sha256-bb.part.tag")
    assert store.keys() == ("key-kept", "key-root")
    assert store.find("key-root")
    for folder in ("downloads", "stage", "quarantine"):
        assert names(store.root / folder) == []


def test_collect_dry_run_reports_the_same_and_removes_nothing(store: Store):
    before = everything(store.root)
    dry = collect(store, dry_run=True)
    assert everything(store.root) == before
    real = collect(store)
    assert dry.dry_run
    for field in ("removed", "kept", "downloads", "stages", "quarantined", "bytes"):
        assert getattr(dry, field) == getattr(real, field)
    assert real.bytes > 1000 + 400 + 3 * 20


def space(root: Path) -> int:
    return sum(path.lstat().st_size for path in root.rglob("*") if "locks" not in path.parts and not path.is_dir())


@pytest.mark.parametrize("what", ["entries", "quarantine", "downloads", "stage"])
def test_collect_counts_the_bytes_of_everything_that_it_removes(store: Store, what: str):
    for folder in {"entries", "quarantine", "downloads", "stage"} - {what}:
        shutil.rmtree(store.root / folder)
    before = space(store.root)
    report = collect(store, frozenset({"key-kept"}))
    assert report.bytes == before - space(store.root) > 0


def test_collect_again_finds_nothing(store: Store):
    collect(store)
    again = collect(store)
    assert (again.removed, again.downloads, again.stages, again.quarantined, again.bytes) == ((), (), (), (), 0)


def test_collect_without_downloads_leaves_them(store: Store):
    assert collect(store, downloads=False).downloads == ()
    assert len(names(store.root / "downloads")) == 4


def test_collect_download_in_progress_stays(store: Store):
    with download_lock(store.root, "sha256-bb"):
        assert collect(store, dry_run=True).downloads == ("sha256-aa",)
        report = collect(store)
    assert report.downloads == ("sha256-aa",)
    assert names(store.root / "downloads") == [".sha256-bb.part.tag.x1.tmp", "sha256-bb.part", "sha256-bb.part.tag"]


def test_collect_stage_of_a_live_builder_stays(store: Store):
    def builder(folder: Path) -> None:
        fill(folder)
        assert collect(Store(store.root)).stages == ("key-gone.1.abcd",)

    assert store.build("key-live", "live", builder).files


class Raced(Store):
    """A store in which another process publishes an entry, with a root, as soon as the roots were read."""

    def roots(self) -> dict[str, frozenset[str]]:
        found = super().roots()
        other = Store(self.root)
        other.build("key-late", "late", fill)
        other.add_root("record-late", ["key-late"])
        return found


def test_collect_entry_that_is_published_meanwhile_stays(store: Store):
    report = collect(Raced(store.root))
    assert report.removed == ("key-dead", "key-kept")
    assert store.keys() == ("key-late", "key-root")


def test_collect_entry_behind_a_removed_root_goes(store: Store):
    store.remove_root("record-1")
    assert "key-root" in collect(store).removed


def test_collect_store_that_does_not_exist_finds_nothing(tmp_path: Path):
    assert collect(Store(tmp_path / "none")).bytes == 0
    assert not (tmp_path / "none").exists()


def test_collect_ignored_root_protects_nothing_and_stays(store: Store):
    assert "key-root" in collect(store, ignored=frozenset({"record-1"})).removed
    assert "record-1" in store.roots()


def rules(store: Store, *keys: str) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.severity, finding.file) for finding in verify(store, keys)]


def test_verify_whole_store_passes(store: Store):
    assert rules(store) == [("store-entry", "pass", "")] * 3


def test_verify_changed_missing_and_extra_files_are_found_each(store: Store):
    content = store.content("key-kept")
    (content / "b").chmod(0o644)
    (content / "b").write_bytes(b"B" * 10)
    shutil.rmtree(content / "sub")
    (content / "new").write_text("x")
    (content / "link").unlink()
    (content / "link").symlink_to("/etc/passwd")
    assert rules(store, "key-kept") == [
        ("store-file-changed", "error", "b"),
        ("store-file-extra", "error", "new"),
        ("store-file-missing", "error", "sub/a"),
        ("store-file-changed", "error", "link"),
    ]
    assert all(finding.fix for finding in verify(store, ["key-kept"]))
    assert rules(store, "key-root") == [("store-entry", "pass", "")]


def test_verify_file_replaced_by_a_link_is_found(store: Store):
    content = store.content("key-kept")
    (content / "b").unlink()
    (content / "b").symlink_to("sub/a")
    assert rules(store, "key-kept") == [("store-file-missing", "error", "b"), ("store-file-extra", "error", "b")]


def test_verify_missing_and_damaged_entries_are_errors(store: Store):
    (store.root / "entries/key-kept/entry.json").chmod(0o644)
    (store.root / "entries/key-kept/entry.json").write_text("{}")
    assert rules(store, "key-never", "key-kept") == [("store-entry-missing", "error", "")] * 2


def test_verify_unreadable_file_is_an_error(store: Store):
    """A pipe would block who reads it."""
    content = store.content("key-kept")
    (content / "b").unlink()
    os.mkfifo(content / "b")
    found = verify(store, ["key-kept"])
    assert [(finding.rule, finding.severity) for finding in found] == [("store-file-unreadable", "error")]


def test_verify_bad_key_is_input_error(store: Store):
    with pytest.raises(InputError):
        verify(store, ["../etc"])


def damaged(store: Store, *, fully: bool = False) -> tuple[str, str]:
    """Return the file that a use of the entry is refused for, and why; nothing if it is not."""
    try:
        refuse_damaged(store, "key-kept", fully=fully)
    except IntegrityError as error:
        return os.path.relpath(error.where, store.content("key-kept")), error.why[0].partition(" (")[0]
    return "", ""


def rewrite(file: Path, data: bytes) -> None:
    file.chmod(0o644)
    file.write_bytes(data)


@pytest.mark.parametrize("fully", [False, True])
def test_use_of_a_sound_entry_or_of_none_is_not_refused(store: Store, fully: bool):
    assert damaged(store, fully=fully) == ("", "")
    refuse_damaged(store, "key-never", fully=fully)


@pytest.mark.parametrize("fully", [False, True])
def test_use_of_an_entry_with_a_changed_or_missing_file_or_link_is_refused(store: Store, fully: bool):
    content = store.content("key-kept")
    rewrite(content / "b", b"B" * 10)
    assert damaged(store, fully=fully) == ("b", "b changed" if fully else "it changed")
    rewrite(content / "b", b"b" * 10)
    assert damaged(store, fully=fully) == ("", "")
    (content / "link").unlink()
    (content / "link").symlink_to("sub/a")
    assert damaged(store, fully=fully)[0] == "link"
    (content / "link").unlink()
    assert damaged(store, fully=fully)[0] == "link"
    (content / "link").write_text("b")
    assert damaged(store, fully=fully)[0] == "link"
    (content / "link").unlink()
    (content / "link").symlink_to("b")
    (content / "sub/a").unlink()
    assert damaged(store, fully=fully)[0] == "sub/a"


def test_file_of_the_sealed_size_and_time_is_read_only_if_everything_is(store: Store):
    file = store.content("key-kept") / "b"
    assert damaged(store) == ("", "")
    status = file.stat()
    rewrite(file, b"B" * 10)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    file.chmod(status.st_mode)
    assert damaged(store, fully=True) == ("b", "b changed")


def test_file_that_was_touched_is_sealed_anew(store: Store):
    os.utime(store.content("key-kept") / "b", ns=(1, 1))
    before = store.seal("key-kept")
    assert damaged(store) == ("", "")
    assert store.seal("key-kept") != before


def test_file_that_never_was_a_model_is_found_but_not_damaged(store: Store):
    store.build("key-page", "page", lambda folder: (folder / "m.onnx").write_text("<html></html>") and None)
    assert rules(store, "key-page") == [("store-file-no-model", "error", "m.onnx")]
    refuse_damaged(store, "key-page", fully=True)
    (store.content("key-page") / "more").write_text("x")
    with pytest.raises(IntegrityError, match="damaged"):
        refuse_damaged(store, "key-page", fully=True)
