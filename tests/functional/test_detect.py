"""``loom detect``: programs, files and libraries as soft components describe them."""

from pathlib import Path

import msgspec
import pytest

from support.repo import Loom, Repo


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    tool = folder / "trial-tool"
    tool.write_text("#!/bin/sh\necho trial-tool 4.5.6\n")
    tool.chmod(0o755)
    return folder


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo", "trial")
    repo.soft("tool", "trial,tool", detect={"executable": {"names": ["trial-tool"]}})
    repo.soft("weights", "trial,weights", detect={"files": {"patterns": ["*.weights"], "version": "7"}})
    repo.soft("library", "trial,library", detect={"python": {"distribution": "msgspec"}})
    repo.soft("mute", "trial,mute")
    return Loom(tmp_path / "home", repo)


def test_detect_executable_in_a_folder_given_tells_version_and_place(loom: Loom, tools: Path):
    found = loom.here("detect", "soft:tool", f"--search_dirs=/nonexistent/..,{tools}", "--json").ok().json
    assert found == [{"component": "soft:tool", "version": "4.5.6", "location": str(tools / "trial-tool")}]


def test_detect_full_path_is_that_very_file(loom: Loom, tools: Path):
    found = loom.here("detect", "tool", f"--full_path={tools / 'trial-tool'}", "--json").ok().json
    assert [item["location"] for item in found] == [str(tools / "trial-tool")]
    (tools / "unrelated").write_text("")
    assert loom.here("detect", "tool", f"--full_path={tools / 'unrelated'}").code == 1


def test_detect_files_by_tags(loom: Loom, tools: Path):
    (tools / "a.weights").write_text("w")
    found = loom.here("detect", "--tags=trial,weights", f"--search_dirs={tools}", "--json").ok().json
    assert found == [{"component": "soft:weights", "version": "7", "location": str(tools / "a.weights")}]


def test_detect_library_of_this_python_has_a_version_and_no_place(loom: Loom):
    answer = loom.here("detect", "--tags=trial,library", "--json").ok()
    assert answer.json == [{"component": "soft:library", "version": msgspec.__version__}]


def test_detect_nothing_there_exits_1(loom: Loom):
    answer = loom.here("detect", "soft:tool")
    assert (answer.code, answer.out) == (1, "")
    assert "nothing found" in answer.err


@pytest.mark.parametrize(
    "words",
    [["absent"], ["mute"], ["--tags=absent-tag"], ["tool", "--full_path=/absent"], ["tool", "--search_dirs=/absent"]],
)
def test_detect_wrong_input_exits_2(loom: Loom, words: list[str]):
    assert loom.here("detect", *words).code == 2


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        *((name, True) for name in ("a.bmp", "a.JPEG", "a.jpg", "a.Webp", "a.tiff", "a.png")),
        *((name, False) for name in ("a.bin", "a.pickle", "a.jpg.txt", "a.onnx")),
    ],
)
def test_images_of_any_form_are_a_data_set_and_other_files_are_none(tmp_path: Path, name: str, is_found: bool):
    for folder in ("one", "two"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        (tmp_path / "set" / folder / name).touch()
    answer = Loom(tmp_path / "home").here("detect", "soft:dataset.imagenet.val", f"--full_path={tmp_path / 'set'}")
    assert answer.code == (0 if is_found else 1)
