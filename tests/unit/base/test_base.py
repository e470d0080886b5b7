import os
import sys
from pathlib import Path

import pytest

from benchloom.base import atomic, digest, names
from benchloom.base.paths import locate
from benchloom.base.units import amount_text


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("pyhton", ["python", "pytorch"], "python"),
        ("skip-installed", ["skip_installed"], "skip_installed"),
        ("DEFAULT-Variations", ["default_variations"], "default_variations"),
        ("zzz", ["python"], ""),
        ("x", [], ""),
        ("ab", ["ac", "ad"], ""),
        ("mlperf-inference-1", ["mlperf-inference-6.1", "mlperf-inference-1.0"], "mlperf-inference-1.0"),
    ],
)
def test_nearest_finds_the_likely_name_or_nothing(name: str, known: list[str], expected: str):
    assert names.nearest(name, known) == expected


def test_nearest_does_not_depend_on_order():
    known = ["model-a", "model-b", "model_a"]
    assert names.nearest("model-c", known) == names.nearest("model-c", known[::-1])


def test_did_you_mean_is_a_question_or_nothing():
    assert names.did_you_mean("pyhton", ["python"]) == "did you mean 'python'?"
    assert not names.did_you_mean("zzz", ["python"])


def test_of_bytes_and_of_file_agree_across_chunks(tmp_path: Path):
    data = os.urandom(digest.CHUNK * 2 + 17)
    (tmp_path / "data").write_bytes(data)

    assert digest.of_file(tmp_path / "data") == digest.of_bytes(data)
    assert digest.of_file(tmp_path / "data", "md5") == digest.of_bytes(data, "md5")
    assert digest.of_bytes(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _tree(root: Path) -> Path:
    for name in ("b/two", "a/one", "top"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_of_files_ignores_order_and_times_but_not_names_bytes_or_executable_bit(tmp_path: Path):
    root = _tree(tmp_path / "tree")
    files = list(digest.iter_files(root))
    first = digest.of_files(root, files)
    os.utime(root / "top", (1, 1))

    assert digest.of_files(root, files[::-1]) == first
    assert digest.of_files(_tree(tmp_path / "twin"), digest.iter_files(tmp_path / "twin")) == first
    (root / "top").chmod(0o755)
    executable = digest.of_files(root, files)
    (root / "top").rename(root / "peak")
    renamed = digest.of_files(root, digest.iter_files(root))
    (root / "peak").write_text("other")
    assert len({first, executable, renamed, digest.of_files(root, digest.iter_files(root))}) == 4


def test_iter_files_leaves_out_caches_and_version_control(tmp_path: Path):
    root = _tree(tmp_path)
    for folder in ("__pycache__", ".git", "tmp", "a/__pycache__"):
        (root / folder).mkdir()
        (root / folder / "left-out").write_text("x")

    found = [path.relative_to(root).as_posix() for path in digest.iter_files(root)]
    assert sorted(found) == ["a/one", "b/two", "top"]


def test_write_bytes_replaces_and_leaves_no_temporary_file(tmp_path: Path):
    target = tmp_path / "folder" / "file"
    atomic.write_bytes(target, b"old")
    atomic.write_text(target, "nëw")

    assert target.read_text(encoding="utf-8") == "nëw"
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_write_bytes_that_fails_keeps_the_old_file(tmp_path: Path):
    target = tmp_path / "file"
    target.mkdir()
    (target / "inside").write_text("kept")

    with pytest.raises(OSError, match=r"file"):
        atomic.write_bytes(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (target / "inside").read_text() == "kept"


def test_locate_takes_the_home_it_is_given(tmp_path: Path):
    locations = locate({"LOOM_HOME": str(tmp_path / "home")})

    assert locations.home == tmp_path / "home"
    assert not locations.home.exists()
    assert locations.ensure().home.is_dir()
    assert locations.store.parent == locations.home


@pytest.mark.skipif(sys.platform != "linux", reason="where the data folder lies differs")
def test_locate_without_home_uses_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert locate({}).home == tmp_path / "benchloom"


def test_locate_where_nothing_can_be_created_falls_back_to_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert locate({}).home.parent == tmp_path


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner here")
@pytest.mark.parametrize("kind", ["open to all", "readable by all", "a link", "a file"])
def test_locate_refuses_a_temporary_folder_that_others_could_have_filled(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    forged = tmp_path / f"benchloom-{os.getuid()}"
    if kind == "a link":
        (tmp_path / "private").mkdir(mode=0o700)
        forged.symlink_to(tmp_path / "private")
    elif kind == "a file":
        forged.write_text("")
    else:
        forged.mkdir()
        forged.chmod(0o777 if kind == "open to all" else 0o755)
    with pytest.raises(PermissionError, match="this user alone"):
        locate({})


@pytest.mark.parametrize(
    ("done", "total", "unit", "text"),
    [
        (12, 450, "images", "12 of 450 images"),
        (1200, None, "packages", "1,200 packages"),
        (0, None, "packages", ""),
        (0, 3, "packages", "0 of 3 packages"),
        (1 << 20, 10 << 20, "B", "1.0 MiB of 10.0 MiB"),
        (1 << 20, None, "B", "1.0 MiB"),
        (12, 60, "s", "12 s of at least 60 s"),
        (12, None, "s", "12 s"),
        (5, 7, "", ""),
    ],
)
def test_amount_text_never_has_an_unknown_whole(done: int, total: int | None, unit: str, text: str):
    assert amount_text(done, total, unit) == text
