import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from benchloom.errors import ExecutionError, InputError
from benchloom.harness.options import usable_cores
from benchloom.harness.preprocess import CHUNK, WORTH_A_PROCESS, Samples, list_samples, main, preprocess
from benchloom.harness.profiles import apply
from benchloom.model.base import to_json
from benchloom.model.facts import Dataset, Facts, Profile, Step

SOURCE = Path(__file__).resolve().parents[3] / "src"
DATASET = Dataset(
    name="trial", task="image-classification", layout="imagenet", images="images", labels="map.txt", count=3, classes=10
)
PROFILE = Profile(name="gray", steps=(Step(op="decode", colour="gray"),), shape=(4, 4), dtype="uint8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / "images" / f"img {number}.png"), np.full((4, 4), number * 10, np.uint8))
    (tmp_path / "map.txt").write_text("img 2.png 2\nimg 0.png 0\nimg 1.png 1\n")
    return tmp_path


def test_samples_are_in_the_order_of_the_label_file(root: Path, tmp_path: Path):
    samples = list_samples(DATASET, root, PROFILE)
    preprocess(samples, PROFILE, tmp_path, {})
    array = np.load(tmp_path / "samples.npy")
    assert array.shape == (3, 4, 4)
    assert [int(item.max()) for item in array] == [20, 0, 10]
    assert np.load(tmp_path / "labels.npy").tolist() == [2, 0, 1]


def test_label_line_that_cannot_be_read_is_named(root: Path):
    (root / "map.txt").write_text("img 0.png 0\nimg 1.png one\n")
    with pytest.raises(InputError, match=r"img 1\.png one") as caught:
        list_samples(DATASET, root, PROFILE)
    assert caught.value.where.endswith("map.txt:2")


def test_missing_images_are_counted_and_named(root: Path):
    (root / "images" / "img 0.png").unlink()
    (root / "images" / "img 1.png").unlink()
    with pytest.raises(InputError, match="2 of 3 images of trial") as caught:
        list_samples(DATASET, root, PROFILE)
    assert caught.value.why == ("2 missing: img 0.png, img 1.png",)


def test_empty_images_are_counted_apart(root: Path):
    (root / "images" / "img 0.png").unlink()
    (root / "images" / "img 2.png").write_bytes(b"")
    with pytest.raises(InputError, match="2 of 3 images of trial are missing or damaged") as caught:
        list_samples(DATASET, root, PROFILE)
    assert caught.value.why == ("1 missing: img 0.png", "1 empty: img 2.png")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "lists no images"),
        (b"img 0.png 10\n", "label 10 is not valid for trial"),
        (b"img\xff.png 1\n", "not UTF-8 text"),
        (b"img 0.png " + b"1" * 5000 + b"\n", "label 1111.* is not valid for trial, whose labels are 0 to 9"),
        (b"img 0.png 1\nimg 1.png 2\n\n./img 0.png 1\n", "img 0.png is listed twice"),
        (b"img 0.png 1\nimg 0.png 2\n", "img 0.png is listed twice"),
        (b"../map.txt 1\n", "leads outside the folder of images"),
        (b"/etc/hostname 1\n", "leads outside the folder of images"),
        (b"5\n", "is not a file name and a label"),
    ],
)
def test_label_file_that_cannot_be_meant_is_refused(root: Path, data: bytes, words: str):
    (root / "map.txt").write_bytes(data)
    with pytest.raises(InputError, match=words):
        list_samples(DATASET, root, PROFILE)


def test_image_with_two_labels_names_both_lines(root: Path):
    (root / "map.txt").write_text("img 0.png 1\nimg 1.png 1\nimg 0.png 2\n")
    with pytest.raises(InputError) as caught:
        list_samples(DATASET, root, PROFILE)
    assert caught.value.where == f"{root / 'map.txt'}:3"
    assert caught.value.why == ("line 1 gives it label 1, line 3 label 2",)


@pytest.mark.parametrize("separator", ["\v", "\f", "\u00a0", "\u2003", " \t\v "])
def test_name_and_label_are_separated_by_white_space_of_any_kind(root: Path, separator: str):
    (root / "map.txt").write_text(f"img 1.png{separator}7{separator}\n", encoding="utf-8")
    samples = list_samples(DATASET, root, PROFILE)
    assert ([path.name for path in samples.files], samples.labels.tolist()) == (["img 1.png"], [7])


# -- folders by class


FOLDERS = msgspec.structs.replace(DATASET, labels="", classes=3)


def folders(root: Path, *names: str) -> Path:
    """One folder per class with one image each, ``name/0.png``."""
    for number, name in enumerate(names):
        (root / "classes" / name).mkdir(parents=True)
        cv2.imwrite(str(root / "classes" / name / "0.png"), np.full((4, 4), number, np.uint8))
    return root / "classes"


def by_folder(root: Path) -> Samples:
    return list_samples(msgspec.structs.replace(FOLDERS, images="classes"), root, PROFILE)


def test_folders_by_class_give_labels_by_their_sorted_names(root: Path):
    top = folders(root, "b", "a", "c")
    for name in ("x.BMP", "y.jpeg", "z.webp", "w.tif"):
        shutil.copy(top / "c" / "0.png", top / "c" / name)
    (top / "c" / ".DS_Store").write_bytes(b"a folder's view")
    (top / "synsets.txt").write_text("a\nb\nc\n")
    samples = by_folder(root)
    assert samples.labels.tolist() == [0, 1, 2, 2, 2, 2, 2]
    assert [str(path.relative_to(top)) for path in samples.files[2:]] == [
        *("c/0.png", "c/w.tif", "c/x.BMP", "c/y.jpeg", "c/z.webp")
    ]


def change_nothing(_: Path) -> None:
    """The folders alone are what is wrong."""


@pytest.mark.parametrize(
    ("names", "change", "words"),
    [
        (["val"], change_nothing, "1 folder cannot represent the 3 classes of trial"),
        (["a", "b"], change_nothing, "2 folders cannot represent the 3 classes of trial"),
        (["a", "b", "c", "d"], change_nothing, "4 folders cannot represent the 3 classes of trial"),
        (["a", "b", "c"], lambda top: (top / "b" / "0.png").unlink(), "1 of 3 folders by class are empty: b"),
        (["a", "b", "c"], lambda top: (top / "b" / "1.gif").touch(), "1 entries of the folders .* not images: b/1.gif"),
        (["a", "b", "c"], lambda top: (top / "b" / "more").mkdir(), "1 entries of the folders .* not images: b/more"),
        (["a", "b", "c"], lambda top: (top / "b" / "d.png").mkdir(), "1 entries of the folders .* not images: b/d.png"),
        (["a", "b", "c"], lambda top: (top / "1.webp").touch(), "1 images are next to the folders .* unknown: 1.webp"),
        (["1", "2", "3"], change_nothing, "folder '1' would have label 0"),
        (["9", "10", "0"], change_nothing, "folder '10' would have label 1"),
    ],
)
def test_folders_that_do_not_give_every_image_its_label_are_refused(
    root: Path, names: list[str], change: Callable[[Path], Any], words: str
):
    top = folders(root, *names)
    change(top)
    with pytest.raises(InputError) as caught:
        by_folder(root)
    assert re.search(words, ": ".join([caught.value.what, *caught.value.why]))
    assert caught.value.where == str(top)
    assert "--labels_path=FILE" in caught.value.fix


def test_one_folder_of_images_is_proposed_as_the_folder(root: Path):
    top = folders(root, "val")
    with pytest.raises(InputError) as caught:
        by_folder(root)
    assert f"name the folder of the images itself ({top / 'val'})" in caught.value.fix


def test_one_folder_is_not_enough_for_one_class_either(root: Path):
    folders(root, "only")
    with pytest.raises(InputError, match="1 folder cannot represent the 1 classes of trial"):
        list_samples(msgspec.structs.replace(FOLDERS, images="classes", classes=1), root, PROFILE)


def test_link_that_leads_nowhere_is_a_missing_image(root: Path):
    (folders(root, "a", "b", "c") / "b" / "1.png").symlink_to("nowhere")
    with pytest.raises(InputError, match="1 of 4 images") as caught:
        by_folder(root)
    assert caught.value.why == ("1 missing: b/1.png",)


def test_folder_of_images_that_is_not_there_is_named(root: Path):
    with pytest.raises(InputError, match="the folder of images cannot be read") as caught:
        by_folder(root)
    assert caught.value.where == str(root / "classes")


# -- what is missing


def test_images_that_are_not_there_are_skipped_if_that_is_allowed(root: Path, tmp_path: Path):
    (root / "images" / "img 0.png").unlink()
    samples = list_samples(DATASET, root, PROFILE, allow_missing=True)
    assert (samples.labels.tolist(), samples.missing) == ([2, 1], ("img 0.png",))
    preprocess(samples, PROFILE, tmp_path, {})
    assert np.load(tmp_path / "labels.npy").tolist() == [2, 1]
    assert json.loads((tmp_path / "missing.json").read_text()) == ["img 0.png"]
    first = list_samples(DATASET, root, PROFILE, 2, allow_missing=True)
    assert (first.labels.tolist(), first.missing) == ([2, 1], ("img 0.png",))
    with pytest.raises(InputError, match="--count requests 3 samples, trial has 2"):
        list_samples(DATASET, root, PROFILE, 3, allow_missing=True)


def test_data_set_without_any_of_its_images_is_refused_even_so(root: Path):
    shutil.rmtree(root / "images")
    with pytest.raises(InputError, match="none of the 3 images of trial exists"):
        list_samples(DATASET, root, PROFILE, allow_missing=True)


def test_missing_images_say_how_to_go_on_without_them(root: Path):
    (root / "images" / "img 0.png").unlink()
    with pytest.raises(InputError) as caught:
        list_samples(DATASET, root, PROFILE)
    assert "--allow_missing_images" in caught.value.fix


def test_missing_label_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="labels cannot be read") as caught:
        list_samples(DATASET, tmp_path, PROFILE)
    assert caught.value.where.endswith("map.txt")


@pytest.mark.parametrize("processes", [1, 2])
def test_every_damaged_image_is_counted(tmp_path: Path, processes: int):
    files = pictures(tmp_path, 150)
    for number in range(3, 150, 20):
        files[number].write_bytes(b"no")
    files[140].write_bytes(b"\xff\xd8" + files[0].read_bytes())
    with pytest.raises(InputError, match="9 of 150 images of trial are missing or damaged") as caught:
        preprocess(samples_of(files), PROFILE, tmp_path, {}, processes)
    assert caught.value.why == (
        "the image cannot be decoded (9): 0003.png, 0023.png, 0043.png, 0063.png, 0083.png, ...",
    )


@pytest.mark.parametrize("processes", [2, 3])
def test_samples_do_not_depend_on_the_number_of_processes(tmp_path: Path, processes: int):
    samples = samples_of(pictures(tmp_path, 200))
    found = []
    for count in (1, processes):
        folder = tmp_path / f"by {count}"
        folder.mkdir()
        effort = preprocess(samples, PROFILE, folder, {}, count)
        assert effort.processes == count
        found.append((folder / "samples.npy").read_bytes())
    assert found[0] == found[1]
    assert [int(item[0, 0]) for item in np.load(tmp_path / "by 1" / "samples.npy")] == list(range(200))


def test_every_sample_is_what_the_profile_gives_alone(tmp_path: Path):
    files = [tmp_path / f"{number}.JPEG" for number in range(5)]
    for number, path in enumerate(files):
        picture = np.random.default_rng(number).integers(0, 256, (30 + number, 40, 3), np.uint8)
        cv2.imwrite(str(path), picture)
    steps = (
        Step(op="decode", colour="rgb"),
        Step(op="resize", size=(20,), mode="short-side", interpolation="area"),
        Step(op="crop", size=(16, 16)),
        Step(op="cast", dtype="float32"),
        Step(op="subtract", values=(1.5, 2.5, 3.5)),
        Step(op="transpose", layout="NCHW"),
    )
    profile = Profile(name="small", steps=steps, shape=(3, 16, 16), dtype="float32")
    preprocess(samples_of(files), profile, tmp_path, {})
    assert np.array_equal(np.load(tmp_path / "samples.npy"), np.stack([apply(profile, path) for path in files]))


def test_profile_that_fits_no_image_ends_the_work_at_once(tmp_path: Path):
    profile = Profile(name="wide", steps=PROFILE.steps, shape=(4, 5), dtype="uint8")
    with pytest.raises(InputError, match=r"it states uint8 \(4, 5\)"):
        preprocess(samples_of(pictures(tmp_path, 130)), profile, tmp_path, {}, 2)


def pictures(folder: Path, count: int) -> list[Path]:
    files = [folder / f"{number:04}.png" for number in range(count)]
    for number, path in enumerate(files):
        cv2.imwrite(str(path), np.full((4, 4), number % 256, np.uint8))
    return files


def samples_of(files: list[Path]) -> Samples:
    return Samples(tuple(files), np.arange(len(files)), "trial")


def test_process_reads_the_facts_it_is_given(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    environ = facts(root, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(environ) == 0
    assert (tmp_path / "samples.npy").is_file()
    assert "images: 3\nprocesses: 1\npeak_memory_bytes: " in capsys.readouterr().out
    assert main({}) == 2
    assert "LOOM_DATASET is not set" in capsys.readouterr().err


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists() or usable_cores() < 2, reason="no /proc to see processes in, or one core"
)
def test_processes_end_with_the_one_that_started_them(tmp_path: Path):
    files = pictures(tmp_path, WORTH_A_PROCESS * 6)
    block = {**json.loads(to_json(DATASET)), "images": "."}
    (tmp_path / "map.txt").write_text("".join(f"{path.name} 1\n" for path in files))
    environ = {**os.environ, **facts(tmp_path, tmp_path), "PYTHONPATH": str(SOURCE)}
    (tmp_path / "dataset.json").write_text(
        json.dumps({"role": "dataset", "component": "d", "path": str(tmp_path), "dataset": block})
    )
    steps = [
        {"op": "decode", "colour": "rgb"},
        {"op": "resize", "size": [1500, 1500], "mode": "exact", "interpolation": "linear"},
    ]
    profile = {"name": "slow", "steps": steps, "shape": [1500, 1500, 3], "dtype": "uint8"}
    (tmp_path / "profile.json").write_text(json.dumps({"role": "profile", "component": "p", "profile": profile}))
    argv = [sys.executable, "-m", "benchloom.harness.preprocess"]
    with subprocess.Popen(argv, env=environ, cwd=tmp_path, start_new_session=True) as child:
        try:
            wait_until(lambda: len(group(child.pid)) >= 3)
        finally:
            child.kill()
    wait_until(lambda: not group(child.pid))


def group(number: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == number and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def facts(root: Path, folder: Path) -> dict[str, str]:
    for role, item in {
        "dataset": Facts(role="dataset", component="dataset:trial", path=str(root), dataset=DATASET),
        "profile": Facts(role="profile", component="package:gray", profile=PROFILE),
    }.items():
        (folder / f"{role}.json").write_bytes(to_json(item))
    return {"LOOM_DATASET": str(folder / "dataset.json"), "LOOM_PROFILE": str(folder / "profile.json")}


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_counts_every_image(tmp_path: Path, processes: int):
    seen = tmp_path / "progress.json"
    states = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            if seen.is_file():
                states.append(json.loads(seen.read_text()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    preprocess(samples_of(pictures(tmp_path, 3000)), PROFILE, tmp_path, {"LOOM_PROGRESS": str(seen)}, processes)
    stop.set()
    watcher.join()
    assert {(state["label"], state["total"]) for state in states} == {("pre-processing", 3000)}
    counts = [state["done"] for state in states]
    assert counts == sorted(counts)
    assert all(count % CHUNK == 0 or count == 3000 for count in counts)


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        return os._exit, (1,)


class Telling:
    """Becomes a path where it is unpickled, and leaves there what that process has in its environment."""

    def __init__(self, path: Path, told: Path) -> None:
        self.path, self.told = path, told

    def __reduce__(self) -> Any:
        write = f"open({str(self.told)!r}, 'w').write(__import__('json').dumps(dict(__import__('os').environ)))"
        return eval, (f"({write}, __import__('pathlib').Path({str(self.path)!r}))[1]",)


@pytest.mark.parametrize("before", [None, "3"])
def test_processes_are_told_to_have_one_thread_for_linear_algebra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if before:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", before)
    files = pictures(tmp_path, 100)
    samples = Samples((*files[:99], Telling(files[99], tmp_path / "told")), np.zeros(100, np.int64), "trial")
    preprocess(samples, PROFILE, tmp_path, {}, 2)
    assert json.loads((tmp_path / "told").read_text())["OPENBLAS_NUM_THREADS"] == "1"
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before
    assert int(np.load(tmp_path / "samples.npy")[99].max()) == 99


def test_process_that_is_killed_ends_the_work_with_a_reason(tmp_path: Path):
    samples = Samples((*pictures(tmp_path, 100), Deadly()), np.zeros(101, np.int64), "trial")
    with pytest.raises(ExecutionError, match="a process of the pre-processing was killed"):
        preprocess(samples, PROFILE, tmp_path, {}, 2)


def test_full_disk_is_said_and_exits_4(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    environ = facts(root, tmp_path)
    (tmp_path / "samples.npy").symlink_to("/dev/full")
    monkeypatch.chdir(tmp_path)
    assert main(environ) == 4
    assert "the samples cannot be written" in capsys.readouterr().err
