"""The wheel and the source distribution, built as a release is, and the wheel at work without any checkout."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from readme_renderer import markdown

from support.repo import SOURCE, Answer

ROOT = SOURCE.parent
TARGET = "program:image-classification-onnx"
REFUSAL = """\
loom: the components of an installed Benchloom cannot be changed
  where: {root}
  why: they belong to the package, and its next upgrade would overwrite changes
  fix: use your own repository, or work in a checkout
"""


def build(source: Path, kind: str, folder: Path) -> Path:
    """Build a distribution of ``source`` and return its file."""
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(words, cwd=source, check=True, capture_output=True, timeout=120)
    [made] = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


class Installed:
    """The wheel in an environment of its own, its command started from an empty folder with an empty home."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.home, self.cwd, venv = folder / "home", folder / "empty", folder / "venv"
        self.home.mkdir()
        self.cwd.mkdir()
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=120)
        self.python = venv / "bin" / "python"
        words = [str(self.python), "-m", "pip", "install", "--quiet", str(wheel)]
        subprocess.run(words, check=True, timeout=280, capture_output=True)
        [self.root] = venv.glob("lib/*/site-packages/benchloom/repository")

    def __call__(self, *words: str, **more: str) -> Answer:
        dropped = ("LOOM_", "XDG_", "PYTHON", "VIRTUAL_ENV")
        environ = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        done = subprocess.run(
            [str(self.python), "-m", "benchloom", *words],
            env={**environ, "HOME": str(self.home), **more},
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def test_the_wheel_runs_the_readme_command_from_an_empty_folder(installed: Installed):
    assert (installed.python.parent / "loom").is_file()
    answer = installed("run", TARGET).ok()
    assert "446 of 450" in answer.out
    assert "LoadGen     VALID" in answer.out
    assert not list(installed.cwd.iterdir())
    caches = [path.name for path in installed.home.glob(".cache/*")]
    assert set(caches) <= {"pip", "uv"}


def test_the_wheel_plans_what_the_checkout_plans(installed: Installed):
    of_wheel, of_checkout = (
        installed("plan", TARGET, "--json"),
        installed("plan", TARGET, "--json", PYTHONPATH=str(SOURCE)),
    )
    assert of_wheel.ok().json == of_checkout.ok().json
    assert installed("repo", "sync", "--check").ok().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ("repo", "sync"),
        ("lint", "--fix"),
        ("new", "package:mine", "--dir={root}"),
        ("schema", "--write={root}/schemas"),
        ("schema", "--docs={root}/docs"),
    ],
)
def test_nothing_is_written_into_an_installed_repository(installed: Installed, words: tuple[str, ...]):
    before = sorted(installed.root.rglob("*"))
    answer = installed(*(word.format(root=installed.root) for word in words))
    assert (answer.code, answer.out, answer.err) == (2, "", REFUSAL.format(root=installed.root))
    assert sorted(installed.root.rglob("*")) == before


def test_modules_without_components_take_no_folder_above_them_for_a_repository(tmp_path: Path, wheel: Path):
    lib = tmp_path / "lib" / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(lib, [name for name in archive.namelist() if not name.startswith("benchloom/repository/")])
    done = subprocess.run(
        [sys.executable, "-m", "benchloom", "repo", "sync"],
        env={**os.environ, "PYTHONPATH": str(lib), "LOOM_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == (
        "loom: Benchloom is installed without its components\n"
        f"  where: {lib / 'benchloom'}\n"
        "  fix: install it again (pip install --force-reinstall benchloom), or run ./loom in a checkout\n"
    )
    assert not list(tmp_path.rglob(".ckr.json"))


def test_the_source_distribution_holds_what_the_same_wheel_is_built_from(wheel: Path, tmp_path: Path):
    made = build(ROOT, "sdist", tmp_path / "dist")
    with tarfile.open(made) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build(tmp_path / made.name.removesuffix(".tar.gz"), "wheel", tmp_path / "again")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as two:
        assert {item.filename: item.CRC for item in one.infolist()} == {
            item.filename: item.CRC for item in two.infolist()
        }


def test_the_readme_renders_on_an_index_without_links_that_lead_nowhere(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [item for item in archive.namelist() if item.endswith(".dist-info/METADATA")]
        metadata = message_from_bytes(archive.read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    page = markdown.render(metadata.get_payload())
    assert page is not None
    assert [link for link in re.findall(r'href="([^"]*)"', page) if not link.startswith(("https://", "#"))] == []
    assert "compares what is stated of them with the published files" in page
