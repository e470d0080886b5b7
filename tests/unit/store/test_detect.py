"""Detection with real programs and files."""

import glob
import importlib.metadata
import os
import time
from pathlib import Path
from typing import Any

import pytest

from benchloom.base import limits
from benchloom.errors import ComponentError
from benchloom.model.component import Component
from benchloom.model.detect import Detect, Executable, FileGlob, PythonModule
from benchloom.store.detect import detect, python_version, recognised_by


def soft(**ways: object) -> Component:
    return Component(kind="soft", alias="x", uid="0" * 16, repo="r", path="soft/x", file="f", detect=Detect(**ways))


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}


def found(component: Component, environ: dict[str, str], *search: Path) -> list[tuple[str, str]]:
    return [(item.version, item.location) for item in detect(component, environ=environ, search=search, trusted=True)]


def test_detect_component_without_block_finds_nothing(environ: dict[str, str]):
    assert found(Component(kind="soft", alias="x", uid="0" * 16, repo="r", path="p", file="f"), environ) == []


def test_detect_python_distribution_has_version_and_no_location(environ: dict[str, str]):
    block = PythonModule(distribution="msgspec")
    assert found(soft(python=block), environ) == [(importlib.metadata.version("msgspec"), "")]
    (candidate,) = detect(soft(python=block), environ=environ)
    assert (candidate.origin, candidate.family, candidate.component) == ("detected", "soft:x", "soft:x")


def test_python_version_is_what_the_metadata_states_for_every_distribution_here():
    stated = {item.name: item.version for item in reversed(list(importlib.metadata.distributions()))}
    assert {name: python_version(name) for name in stated} == stated


def test_detect_python_distribution_that_is_absent_finds_nothing(environ: dict[str, str]):
    assert found(soft(python=PythonModule(distribution="no-such-distribution-zz")), environ) == []


def test_detect_executable_reads_version_from_either_stream(environ: dict[str, str], tmp_path: Path):
    path = script(tmp_path / "bin", "tool", 'echo "tool version 1.2.3 (2020)" >&2')
    assert found(soft(executable=Executable(names=("tool",))), environ) == [("1.2.3", str(path))]


def test_detect_executable_uses_the_components_arguments_and_regex(environ: dict[str, str], tmp_path: Path):
    path = script(tmp_path / "bin", "tool", 'test "$1 $2" = "show version" && echo "release r42b 9.9"')
    block = Executable(names=("tool",), version_arguments=("show", "version"), version_regex=r"release (r\d+)")
    assert found(soft(executable=block), environ) == [("r42", str(path))]
    whole = Executable(names=("tool",), version_arguments=("show", "version"), version_regex=r"r\d+b")
    assert found(soft(executable=whole), environ) == [("r42b", str(path))]


def test_detect_executable_gets_the_environment_given_and_no_input(environ: dict[str, str], tmp_path: Path):
    script(tmp_path / "bin", "tool", 'cat; echo "${MARK}"')
    assert found(soft(executable=Executable(names=("tool",))), {**environ, "MARK": "7.8"})[0][0] == "7.8"


@pytest.mark.parametrize("text", ["echo 1.2.3; exit 3", "kill -9 $$", "echo no number here"])
def test_detect_executable_that_fails_has_no_version(environ: dict[str, str], tmp_path: Path, text: str):
    path = script(tmp_path / "bin", "tool", text)
    assert found(soft(executable=Executable(names=("tool",))), environ) == [("", str(path))]


def test_detect_executable_that_cannot_run_has_no_version(environ: dict[str, str], tmp_path: Path):
    path = script(tmp_path / "bin", "tool", "")
    path.write_text("#!/no/such/interpreter\n")
    assert found(soft(executable=Executable(names=("tool",))), environ) == [("", str(path))]


def test_detect_executable_that_hangs_has_no_version_and_leaves_no_process(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "VERSION_SECONDS", 0.3)
    path = script(tmp_path / "bin", "tool", f"echo 1.2.3; sleep 600 & echo $! > {tmp_path}/pid; wait")
    assert found(soft(executable=Executable(names=("tool",))), environ) == [("", str(path))]
    assert ended(int((tmp_path / "pid").read_text()))


def test_detect_executable_that_leaves_a_process_behind_still_answers(environ: dict[str, str], tmp_path: Path):
    path = script(tmp_path / "bin", "tool", f"sleep 600 & echo $! > {tmp_path}/pid; echo 1.2.3")
    assert found(soft(executable=Executable(names=("tool",))), environ) == [("1.2.3", str(path))]
    assert ended(int((tmp_path / "pid").read_text()))


def ended(pid: int) -> bool:
    """Wait until a process is gone; a zombie that nobody has buried yet counts."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def test_detect_executable_bad_regex_is_component_error_naming_the_file(environ: dict[str, str], tmp_path: Path):
    script(tmp_path / "bin", "tool", "echo 1.0")
    with pytest.raises(ComponentError, match="not a regular expression") as caught:
        found(soft(executable=Executable(names=("tool",), version_regex="(")), environ)
    assert caught.value.where == "f"


def test_detect_executable_several_names_each_real_file_once(environ: dict[str, str], tmp_path: Path):
    path = script(tmp_path / "bin", "tool-2", "echo 2.0")
    (tmp_path / "bin/tool").symlink_to(path)
    other = script(tmp_path / "bin", "tool-1", "echo 1.0")
    block = Executable(names=("tool", "tool-2", "tool-1", "tool-0"))
    assert found(soft(executable=block), environ) == [("2.0", str(tmp_path / "bin/tool")), ("1.0", str(other))]


def test_detect_executable_search_folder_comes_before_path(environ: dict[str, str], tmp_path: Path):
    script(tmp_path / "bin", "tool", "echo 1.0")
    mine = script(tmp_path / "mine", "tool", "echo 3.0")
    assert found(soft(executable=Executable(names=("tool",))), environ, tmp_path / "mine") == [("3.0", str(mine))]


def test_detect_executable_without_path_does_not_look_where_we_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script(tmp_path, "tool", "echo 1.0")
    monkeypatch.chdir(tmp_path)
    component = soft(executable=Executable(names=("tool",)))
    assert found(component, {"PATH": ""}) == []
    assert found(component, {"PATH": os.pathsep}, tmp_path / "none") == []
    assert found(component, {}) == []


def images(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number}.JPEG").write_text("x")
    return folder


def test_detect_files_expands_home_and_variables(environ: dict[str, str], tmp_path: Path):
    at_home = images(tmp_path / "home/data", 2)
    elsewhere = images(tmp_path / "else where/set", 2)
    block = FileGlob(patterns=("*.JPEG",), search=("~/data", "$DATA/set", "${DATA}/set", "$UNSET/x"), version="2012")
    named = {**environ, "DATA": str(tmp_path / "else where")}
    assert found(soft(files=block), named) == [("2012", str(at_home)), ("2012", str(elsewhere))]
    assert found(soft(files=block), environ) == [("2012", str(at_home))]


def test_detect_files_home_that_is_not_set_is_no_folder():
    assert found(soft(files=FileGlob(patterns=("*",), search=("~/etc", "~"))), {}) == []
    assert found(soft(files=FileGlob(patterns=("*",), search=("~",))), {"HOME": ""}) == []


def test_detect_files_home_with_backslash_is_taken_literally(tmp_path: Path):
    home = images(tmp_path / r"ho\1me", 2)
    assert found(soft(files=FileGlob(patterns=("*.JPEG",), search=("~",))), {"HOME": str(home)}) == [("", str(home))]


def test_detect_files_names_too_long_for_the_system_find_nothing(environ: dict[str, str], tmp_path: Path):
    long = "é" * 300
    folder = str(images(tmp_path / "data", 1))
    for patterns, search in ((("*",), long), ((long,), folder), ((f"{{{long},b}}",), folder)):
        assert found(soft(files=FileGlob(patterns=patterns, search=(search,))), environ) == []


def test_detect_files_fewer_than_minimum_finds_nothing(environ: dict[str, str], tmp_path: Path):
    folder = images(tmp_path / "few", 4)
    assert found(soft(files=FileGlob(patterns=("*.JPEG",), search=(str(folder),), minimum=5)), environ) == []
    assert found(soft(files=FileGlob(patterns=("*.JPEG",), search=(str(folder),), minimum=4)), environ)


def test_detect_files_every_pattern_must_match(environ: dict[str, str], tmp_path: Path):
    folder = images(tmp_path / "set", 2)
    block = FileGlob(patterns=("**/*.JPEG", "val_map.txt"), search=(str(folder),))
    assert found(soft(files=block), environ) == []
    (folder / "val_map.txt").write_text("")
    assert found(soft(files=block), environ) == [("", str(folder))]


def test_detect_files_one_file_is_the_file_itself(environ: dict[str, str], tmp_path: Path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/model.onnx").write_text("x")
    block = FileGlob(patterns=("*.onnx",), search=(str(tmp_path / "m"),))
    assert found(soft(files=block), environ) == [("", str(tmp_path / "m/model.onnx"))]


def test_detect_files_search_folder_comes_first_and_no_place_twice(environ: dict[str, str], tmp_path: Path):
    usual, mine = images(tmp_path / "usual", 2), images(tmp_path / "mine", 2)
    block = FileGlob(patterns=("*.JPEG",), search=(str(usual), str(mine), "/no/such/folder"))
    assert found(soft(files=block), environ, mine) == [("", str(mine)), ("", str(usual))]


@pytest.mark.parametrize("regex", [r"(a+)+$", r".*.*.*.*.*.*x", r"(\w+\s?)*!"])
def test_detect_regex_that_would_take_years_gives_no_version(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, regex: str
):
    monkeypatch.setattr(limits, "REGEX_SECONDS", 0.5)
    path = script(tmp_path / "bin", "tool", f"echo {'a' * 3000} b")
    block = Executable(names=("tool",), version_regex=regex)
    begun = time.monotonic()
    (candidate,) = detect(soft(executable=block), environ=environ)
    assert (candidate.version, candidate.location) == ("", str(path))
    assert time.monotonic() - begun < 10


def test_detect_regex_of_an_untrusted_repository_finds_the_same(environ: dict[str, str], tmp_path: Path):
    script(tmp_path / "bin", "tool", 'echo "release r42b 9.9"')
    for regex in r"release (r\d+)", r"r\d+b", r"nothing", r"(x)?r":
        block = soft(executable=Executable(names=("tool",), version_regex=regex))
        trusted, other = (detect(block, environ=environ, trusted=known) for known in (True, False))
        assert trusted == other
    with pytest.raises(ComponentError, match="not a regular expression"):
        detect(soft(executable=Executable(names=("tool",), version_regex="(")), environ=environ)


def test_detect_does_not_search_a_whole_disk(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "disk" / "a" / "b").mkdir(parents=True)
    (tmp_path / "disk" / "a" / "b" / "wanted.txt").write_text("x")
    os.symlink("..", tmp_path / "disk" / "a" / "loop")
    block = FileGlob(patterns=("**/wanted.txt",), search=(str(tmp_path / "disk"),))
    monkeypatch.setattr(limits, "SEARCHED_ENTRIES", 20)
    assert found(soft(files=block), environ) == []
    os.unlink(tmp_path / "disk" / "a" / "loop")
    assert len(found(soft(files=block), environ)) == 1
    monkeypatch.setattr(limits, "SEARCHED_ENTRIES", 1)
    for pattern in f"{tmp_path}/disk/**/wanted.txt", "../disk/*/*/wanted.txt":
        (tmp_path / "empty").mkdir(exist_ok=True)
        block_elsewhere = FileGlob(patterns=(pattern,), search=(str(tmp_path / "empty"),))
        assert found(soft(files=block_elsewhere), environ) == []
    assert found(soft(files=block), environ) == []
    assert len(found(soft(files=block), environ, tmp_path / "disk")) == 1  # the user names it


def test_folders_are_not_looked_through_if_an_earlier_pattern_matches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`ck detect soft --full_path=FILE` of a wrong file in a home or in /tmp went through all of that, for minutes."""
    asked: list[str] = []
    matches = glob.glob

    def watched(pattern: str, **options: Any) -> list[str]:
        asked.append(pattern)
        return matches(pattern, **options)

    monkeypatch.setattr(glob, "glob", watched)
    block = FileGlob(patterns=("val_map.txt", "**/*.jpg"), alternatives=(("val.txt", "**/*.png"),))
    assert recognised_by(tmp_path, block) == []
    assert asked == ["val_map.txt", "val.txt"]
    for name in ("val.txt", "one.png"):
        (tmp_path / name).touch()
    assert recognised_by(tmp_path, block) == [["val.txt"], ["one.png"]]
