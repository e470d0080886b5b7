"""The bootstrap ``./loom`` on a copy of the checkout, with an empty home: real virtual environments, real pip and uv."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest

from benchloom.bootstrap.place import make_stamp, write_stamp

ROOT = Path(__file__).resolve().parents[2]
FILES = ("loom", "pyproject.toml", ".ckr.json")
NOBODY = 65534


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the checkout with its environment made by the first use."""
    return copy_checkout(tmp_path_factory.mktemp("checkout") / "with space")


def copy_checkout(root: Path) -> Path:
    root.mkdir()
    copy_bootstrap(root)
    for name in ("program", "program.template", "script"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("tmp*"))
    return root


def copy_bootstrap(root: Path) -> None:
    """Copy as much of the checkout as its bootstrap needs."""
    for name in FILES:
        shutil.copy2(ROOT / name, root / name)
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))


def loom(
    checkout: Path,
    *words: str,
    cwd: Path | None = None,
    home: Path | None = None,
    start: tuple[str, ...] = (sys.executable,),
    **environ: str,
) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CACHE_DIR", "PIP_FIND_LINKS")
    base = {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.run(
        [*start, str(checkout / "loom"), *words],
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
    assert "program:image-classification-onnx " in first.stdout
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


def test_bootstrap_says_why_pip_failed_and_exits_3(tmp_path: Path):
    broken = tmp_path / "broken"
    broken.mkdir()
    copy_bootstrap(broken)
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
def test_bootstrap_runs_nothing_from_a_temporary_folder_that_others_could_have_filled(tmp_path: Path, mode: int):
    """The folder that is left to a user without a home holds a finished environment that somebody else put there."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    root = tmp_path / "clone"
    root.mkdir()
    copy_bootstrap(root)
    (root / ".venv").write_text("the checkout cannot hold it")
    forged = forge(root, tmp_path / "temporary", tmp_path / "ran")
    forged.parent.chmod(mode)

    done = loom(root, "find", home=blocked / "home", TMPDIR=str(tmp_path / "temporary"))

    assert done.returncode == 3
    assert not (tmp_path / "ran").exists()
    assert f"{forged.parent} is not private to this user (mode 0700)" in done.stderr
    assert "set LOOM_VENV to one" in done.stderr

    forged.parent.chmod(0o700)  # the same one in a folder of this user's own is what a former use left
    loom(root, "find", home=blocked / "home", TMPDIR=str(tmp_path / "temporary"))
    assert (tmp_path / "ran").exists()


def forge(root: Path, temporary: Path, mark: Path) -> Path:
    """Make an environment that ``./loom`` takes for finished, whose Python writes ``mark``."""
    name = "venv-" + sha256(str(root).encode()).hexdigest()[:12]
    venv = temporary / f"benchloom-{os.getuid()}" / name
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    python.chmod(0o755)
    with patch.dict(os.environ):
        os.environ.pop("LOOM_PYTHON", None)
        write_stamp(str(venv), make_stamp(str(root), str(venv), []))
    return venv


def test_a_uv_that_fails_leaves_the_work_to_pip(checkout: Path, tmp_path: Path):
    broken = tmp_path / "bin" / "uv"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'error: no' >&2\nexit 2\n")
    broken.chmod(0o755)
    venv = tmp_path / "venv"
    path = f"{broken.parent}:{os.environ['PATH']}"
    done = loom(checkout, "--version", home=tmp_path, LOOM_VENV=str(venv), PATH=path)
    assert done.returncode == 0, done.stderr
    assert "uv failed, falling back to pip" in done.stderr
    assert done.stdout.startswith("loom, version ")


@pytest.fixture
def nobody() -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Return a folder that all can enter, and the words that start Python as a user to whom nothing here belongs."""
    words = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    folder = Path(tempfile.mkdtemp(prefix="loom-shared-checkout-"))
    folder.chmod(0o755)
    try:
        pythons = (sys.executable, "/usr/bin/python3") if os.geteuid() == 0 and shutil.which("setpriv") else ()
        probe = ("sh", "-c", '"$0" -c "import sys, ensurepip; sys.exit(sys.version_info < (3, 10))"')
        usable = [python for python in pythons if status(*words, *probe, python) == 0]
        if not usable:
            pytest.skip("this takes root, setpriv and a Python that everybody can start")
        yield folder, (*words, usable[0])
    finally:
        shutil.rmtree(folder)


def status(*words: str, cwd: Path | None = None) -> int:
    return subprocess.run(words, cwd=cwd, capture_output=True, timeout=60, check=False).returncode


def contents(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_a_checkout_of_another_user_serves_who_cannot_write_to_it(nobody: tuple[Path, tuple[str, ...]]):
    folder, words = nobody
    checkout, home = copy_checkout(folder / "checkout"), folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    before = contents(checkout)

    done = loom(checkout, "find", "program:image*", cwd=home, home=home, start=words, LOOM_INSTALLER="pip")

    assert done.returncode == 0, done.stderr
    assert f"the virtual environment goes to {home}/.cache/benchloom/venv-" in done.stderr
    assert f"because {checkout}/.venv: Permission denied" in done.stderr
    assert "program:image-classification-onnx " in done.stdout
    assert contents(checkout) == before
    again = loom(checkout, "find", "program:image*", cwd=home, home=home, start=words)
    assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")


def test_a_read_only_checkout_works(tmp_path: Path):
    script = 'mount --bind . . && mount -o remount,ro,bind . && exec "$@"'
    before = ("unshare", "--mount", "sh", "-c", script, "sh")
    checkout, home = copy_checkout(tmp_path / "checkout"), tmp_path / "home"
    home.mkdir()
    if os.geteuid() or not shutil.which("unshare") or status(*before, "true", cwd=checkout):
        pytest.skip("this takes root and namespaces of mounts")
    found = contents(checkout)

    done = loom(checkout, "find", "program:image*", cwd=checkout, home=home, start=(*before, sys.executable))

    assert done.returncode == 0, done.stderr
    assert f"because {checkout}/.venv: Read-only file system" in done.stderr
    assert "program:image-classification-onnx " in done.stdout
    assert contents(checkout) == found


def test_hints_show_the_command_as_it_was_started(checkout: Path, tmp_path: Path):
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LOOM_VENV": str(checkout / ".venv")}

    def hint(*words: str, path: str = "") -> str:
        found = {**environ, "PATH": f"{path}:{environ['PATH']}"} if path else environ
        done = subprocess.run(
            [*words, "repo", "remove", "x"],
            cwd=checkout,
            env=found,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        return done.stderr.splitlines()[-1]

    loom(checkout, "--version")
    assert hint("./loom") == "  fix: see ./loom repo list"
    assert hint(sys.executable, "loom") == "  fix: see ./loom repo list"
    assert hint(str(checkout / "loom")) == f"  fix: see '{checkout / 'loom'}' repo list"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "loom").symlink_to(checkout / "loom")
    assert hint(str(tmp_path / "bin" / "loom"), path=str(tmp_path / "bin")) == "  fix: see loom repo list"


def test_a_plan_uses_what_the_interpreter_of_loom_python_has(tmp_path: Path):
    chosen, home = tmp_path / "chosen", tmp_path / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(chosen)], check=True, timeout=60)
    python = str(chosen / "bin" / "python")
    packages = ("onnxruntime", "mlcommons-loadgen", "numpy", "opencv-python-headless", "pillow", "msgspec")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile", *packages]
    subprocess.run(pip, check=True, capture_output=True, timeout=280)

    words = ("plan", "program:image-classification-onnx", "--json")
    done = loom(ROOT, *words, home=home, LOOM_VENV=str(tmp_path / "own"), LOOM_PYTHON=python)

    assert done.returncode == 0, done.stderr
    [node] = [node for node in json.loads(done.stdout)["nodes"] if node["id"] == "python"]
    assert (node["action"], node["candidate"]["origin"]) == ("reuse", "detected")
