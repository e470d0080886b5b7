"""The bootstrap ``./loom`` on a copy of the checkout, with an empty home: real virtual environments, real pip."""

import os
import runpy
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("loom", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the checkout with its environment made by the first use."""
    root = tmp_path_factory.mktemp("checkout") / "with space"
    root.mkdir()
    for name in FILES:
        shutil.copy2(ROOT / name, root / name)
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for kind in ("program", "script"):
        shutil.copytree(ROOT / kind, root / kind)
    return root


def loom(
    checkout: Path, *words: str, cwd: Path | None = None, home: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CACHE_DIR", "PIP_FIND_LINKS")
    base = {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.run(
        [sys.executable, str(checkout / "loom"), *words],
        env={**base, "HOME": str(home or checkout.parent / "home"), **environ},
        cwd=cwd or checkout.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_bootstrap_makes_the_environment_once_and_passes_everything_on(checkout: Path, tmp_path: Path):
    (checkout.parent / "home").mkdir(exist_ok=True)
    first = loom(checkout, "find", "program:image*", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "first use: creating .venv" in first.stderr
    assert first.stdout.startswith("program:image-classification-onnx")
    assert (checkout / ".venv" / "bin" / "loom").is_file()

    second = loom(checkout, "find", "program:nothing-like-this", cwd=tmp_path)
    assert second.returncode == 1
    assert "creating" not in second.stderr
    assert loom(checkout, "find", "--tags=nothing-like-this").returncode == 2

    project = checkout / "pyproject.toml"
    project.write_text(project.read_text() + "\n# changed\n")
    third = loom(checkout, "--version")
    assert third.returncode == 0, third.stderr
    assert "pyproject.toml changed: installing into .venv again" in third.stderr
    assert third.stdout.startswith("loom, version ")
    assert "installing" not in loom(checkout, "--version").stderr

    # A home that does not exist, below a folder that cannot be made: the temporary folder serves.
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    fourth = loom(checkout, "find", home=blocked / "home", TMPDIR=str(tmp_path))
    assert fourth.returncode == 0, fourth.stderr
    assert list(tmp_path.glob("benchloom-*"))


def test_bootstrap_says_why_pip_failed_and_exits_3(checkout: Path, tmp_path: Path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in FILES:
        shutil.copy2(checkout / name, broken / name)
    (broken / "pyproject.toml").write_text("[project\n")
    done = loom(broken, "find")
    assert done.returncode == 3
    assert "installing Benchloom and what it needs failed" in done.stderr
    assert "log:" in done.stderr


def test_bootstrap_refuses_an_old_python(checkout: Path):
    old = "/usr/bin/python3.9", "/root/.pyenv/versions/3.9.18/bin/python", "/root/.pyenv/versions/3.7.16/bin/python"
    found = [path for path in old if Path(path).exists()]
    if not found:
        pytest.skip("no Python older than 3.10 is here")
    done = subprocess.run(
        [found[-1], str(checkout / "loom"), "find"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": ""},
    )
    assert done.returncode == 3
    assert "needs Python 3.10 or newer" in done.stderr
    assert "LOOM_PYTHON=" in done.stderr


@pytest.mark.parametrize("mode", [0o777, 0o755])
def test_bootstrap_runs_nothing_from_a_temporary_folder_that_others_could_have_filled(
    checkout: Path, tmp_path: Path, mode: int
):
    """The folder that is left to a user without a home holds a finished environment that somebody else put there."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    root = tmp_path / "clone"
    root.mkdir()
    for name in FILES:
        shutil.copy2(checkout / name, root / name)
    (root / ".venv").write_text("the checkout cannot hold it")
    forged = forge(root, tmp_path / "temporary", tmp_path / "ran")
    forged.parent.chmod(mode)

    done = loom(root, "find", home=blocked / "home", TMPDIR=str(tmp_path / "temporary"))

    assert done.returncode == 3
    assert not (tmp_path / "ran").exists()
    assert f"{forged.parent} is not a folder of this user alone (mode 0700)" in done.stderr
    assert "set LOOM_VENV to one" in done.stderr

    forged.parent.chmod(0o700)  # the same one in a folder of this user's own is what a former use left
    loom(root, "find", home=blocked / "home", TMPDIR=str(tmp_path / "temporary"))
    assert (tmp_path / "ran").exists()


def forge(root: Path, temporary: Path, mark: Path) -> Path:
    """Make an environment that ``./loom`` takes for finished, whose Python writes ``mark``."""
    script = runpy.run_path(str(root / "loom"))
    name = "venv-" + sha256(str(root).encode()).hexdigest()[:12]
    venv = temporary / f"benchloom-{os.getuid()}" / name
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    python.chmod(0o755)
    script["write_stamp"](str(venv), script["make_stamp"](str(root), str(venv), []))
    return venv
