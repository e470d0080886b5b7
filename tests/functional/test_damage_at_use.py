"""A damaged entry of the store ends the run that would use it, with the file and the way out; nothing else does."""

import json
import os
import shutil
from pathlib import Path

import pytest

from benchloom.store.entries import Store
from support.benchmark import home, run
from support.repo import Answer, Loom, Repo

SHORT = ("--mode=accuracy", "--count=20")


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    """A home of its own, with what a first run has made, copied as by hand: the files have other times."""
    run(*SHORT).ok()
    shutil.copytree(home() / "store", tmp_path / "home/store", copy_function=shutil.copy)
    return Loom(tmp_path / "home")


def the_file(loom: Loom, pattern: str) -> Path:
    """Return a file of an entry that the latest of all short runs uses."""
    record = max((home() / "records").glob("*.json"), key=lambda path: path.stat().st_mtime)
    nodes = json.loads(record.read_text())["plan"]["nodes"]
    contents = [Store(loom.home / "store").content(node["key"]) for node in nodes if node["key"]]
    found = [path for content in contents for path in content.rglob(pattern)]
    assert len(found) == 1, found
    return found[0]


def damage(file: Path, *, keep_time: bool = False) -> None:
    """Change bytes in the middle of a file; its size stays, and the time of its change if asked."""
    before = file.stat()
    os.chmod(file, 0o644)
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 512] = bytes(255 - byte for byte in data[middle : middle + 512])
    file.write_bytes(data)
    if keep_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def assert_refused(answer: Answer, file: Path) -> None:
    assert answer.code == 5, answer.out + answer.err
    error = answer.json["error"]
    assert error["kind"] == "IntegrityError"
    assert error["where"] == str(file)
    assert error["details"]["key"] in file.parts
    assert f"loom gc --remove {error['details']['key']}" in error["fix"]


def test_damaged_samples_end_the_run_and_the_fix_works(loom: Loom):
    samples = the_file(loom, "samples.npy")
    damage(samples)
    answer = run(*SHORT, loom=loom)
    assert_refused(answer, samples)
    assert not list((loom.home / "records").glob("*.json"))
    loom("gc", "--remove", answer.json["error"]["details"]["key"]).ok()
    assert run(*SHORT, loom=loom).ok().json["results"]["accuracy"]["top1"] > 0.9


def test_samples_that_are_missing_or_cut_off_end_the_run(loom: Loom):
    samples = the_file(loom, "samples.npy")
    os.truncate(samples, samples.stat().st_size // 2)
    assert_refused(run(*SHORT, loom=loom), samples)
    samples.unlink()
    assert_refused(run(*SHORT, loom=loom), samples)


@pytest.mark.parametrize("words", [("--verify",), ("--ruleset=mlperf-inference-1.0", "--scenario=Offline")])
def test_damage_that_keeps_size_and_time_is_found_where_all_is_digested(loom: Loom, words: tuple[str, ...]):
    run(*SHORT, loom=loom).ok()  # seals the copied files
    samples = the_file(loom, "samples.npy")
    damage(samples, keep_time=True)
    assert_refused(run(*SHORT, *words, loom=loom), samples)


def test_damaged_model_is_found_though_it_keeps_size_and_time(loom: Loom):
    run(*SHORT, loom=loom).ok()
    model = the_file(loom, "*.onnx")
    damage(model, keep_time=True)
    assert_refused(run(*SHORT, loom=loom), model)


def test_files_with_other_times_and_the_same_bytes_are_digested_once(loom: Loom):
    samples = the_file(loom, "samples.npy")
    key = samples.relative_to(loom.home / "store/entries").parts[0]
    store = Store(loom.home / "store")
    assert store.seal(key)["samples.npy"][1] != samples.stat().st_mtime_ns
    run(*SHORT, loom=loom).ok()
    assert store.seal(key)["samples.npy"] == (samples.stat().st_size, samples.stat().st_mtime_ns)
    run(*SHORT, "--verify", loom=loom).ok()


def test_entry_of_an_older_version_without_a_seal_is_digested(loom: Loom):
    for seal in (loom.home / "store/entries").glob("*/seal.json"):
        seal.unlink()
    run(*SHORT, loom=loom).ok()
    samples = the_file(loom, "samples.npy")
    assert (samples.relative_to(loom.home / "store/entries").parts[0]) in {
        seal.parent.name for seal in (loom.home / "store/entries").glob("*/seal.json")
    }


def test_what_is_built_from_a_damaged_entry_is_not_built(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.package("raw", "trial,raw", files={"a.txt": "one"}, version="1")
    folder = repo.script(
        "made", "trial,made", install={"script": "make.sh"}, deps=[{"tags": "trial,raw", "names": ["raw"]}]
    )
    (folder / "make.sh").write_text("echo made > made.txt\n")
    loom = Loom(tmp_path / "home", repo)
    node = loom.here("install", "package:raw", "--json").ok().json["nodes"][0]
    file = Store(loom.home / "store").content(node["key"]) / "a.txt"
    damage(file)
    assert_refused(loom("install", "--tags=trial,made", "--json"), file)
    assert Store(loom.home / "store").keys() == (node["key"],)
