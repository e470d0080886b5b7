"""A plan's Python environment, made by the real pip from wheels written here: nothing comes from a network."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from benchloom.base.digest import of_file
from benchloom.base.talk import Silent
from benchloom.errors import InstallError, OfflineError
from benchloom.model.environment import Distribution
from benchloom.store.entries import Store
from benchloom.store.python_env import Source, Wanted, environment_python, install_environment
from support.wheels import wheel


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    wheel(folder)
    return folder


def build(store: Store, requirements: list[str], wheels: Path, log: Path, **more: object) -> dict[str, str]:
    options: dict[str, Any] = {"offline": True, "environ": os.environ, **more}
    entry = store.build(
        "python-key",
        "Python environment",
        lambda folder: {
            item.name: item.version
            for item in install_environment(
                folder,
                store.content("python-key"),
                Wanted(requirements=tuple(requirements)),
                Source(python=Path(sys.executable), find_links=str(wheels), **options),
                interpreter=Path(sys.executable),
                log=log,
                talk=Silent(),
            )
        },
    )
    return entry.meta


def test_install_environment_offline_from_wheels_works_after_the_rename(tmp_path: Path, wheels: Path):
    """Also where the user's environment would have pip install elsewhere, or find the package installed already."""
    wheel(tmp_path / "user", "other", "9.0")
    with zipfile.ZipFile(tmp_path / "user/other-9.0-py3-none-any.whl") as made:
        made.extractall(tmp_path / "user/path")
    wheel(wheels, "other", "1.5")
    wheel(wheels, "tiny", "2.0", requires="other")
    store = Store(tmp_path / "store")
    environ = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "user/path"),
        "PIP_TARGET": str(tmp_path / "elsewhere"),
        "PIP_USER": "1",
        "PIP_FIND_LINKS": "http://127.0.0.1:9/",
    }
    assert build(store, ["tiny==2.0"], wheels, tmp_path / "logs/pip.log", environ=environ) == {
        "other": "1.5",
        "tiny": "2.0",
    }
    content = store.content("python-key")
    said = subprocess.run(
        [content / "bin/tiny-say"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert said.stdout.split() == ["2.0", str(content)]
    python = environment_python(content)
    done = subprocess.run(
        [python, "-I", "-c", "import other; print(other.__file__)"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(str(content))
    assert not (tmp_path / "elsewhere").exists()
    stage = str(store.root / "stage").encode()
    assert not [path for path in content.rglob("*") if path.is_file() and stage in path.read_bytes()]
    assert "pip" not in store.find("python-key").meta


def test_install_environment_offline_without_the_wheel_is_offline_error(tmp_path: Path, wheels: Path):
    store = Store(tmp_path / "store")
    with pytest.raises(OfflineError, match="missing and --offline") as caught:
        build(store, ["absent-package==1.0"], wheels, tmp_path / "pip.log")
    assert "absent-package==1.0" in caught.value.why
    assert any(line.startswith("ERROR: ") for line in caught.value.why)
    assert store.find("python-key") is None
    assert os.listdir(store.root / "stage") == []


def test_install_environment_conflict_is_install_error_with_pips_own_lines(tmp_path: Path, wheels: Path):
    wheel(wheels, "other", "1.0", requires="tiny>=3")
    store = Store(tmp_path / "store")
    environ = {**os.environ, "PIP_NO_INDEX": "1"}
    with pytest.raises(InstallError) as caught:
        build(store, ["other", "tiny==1.0"], wheels, tmp_path / "pip.log", offline=False, environ=environ)
    assert type(caught.value) is InstallError
    assert caught.value.exit_code == 3
    assert caught.value.where == str(tmp_path / "pip.log")
    assert caught.value.why
    assert all(line.startswith("ERROR") for line in caught.value.why)
    assert "tiny" in " ".join(caught.value.why)


def test_install_environment_interpreter_without_pip_tells_what_it_said(tmp_path: Path, wheels: Path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    with pytest.raises(InstallError) as caught:
        install_environment(
            tmp_path / "env",
            tmp_path / "final",
            Wanted(requirements=("tiny",)),
            Source(python=environment_python(bare), environ=os.environ, find_links=str(wheels)),
            interpreter=environment_python(bare),
            log=tmp_path / "pip.log",
            talk=Silent(),
        )
    assert "No module named pip" in " ".join(caught.value.why)


def test_install_environment_locked_takes_exactly_the_files_of_the_lock(tmp_path: Path, wheels: Path):
    wheel(wheels, "tiny", "2.0", requires="other")
    wheel(wheels, "other", "1.5")
    source = Source(python=Path(sys.executable), environ=os.environ, offline=True, find_links=str(wheels))

    def made(name: str, wanted: Wanted) -> tuple[Distribution, ...]:
        return install_environment(
            tmp_path / name,
            tmp_path / name,
            wanted,
            source,
            interpreter=Path(sys.executable),
            log=tmp_path / f"{name}.log",
            talk=Silent(),
        )

    first = made("first", Wanted(requirements=("tiny",)))
    file = wheels / "tiny-2.0-py3-none-any.whl"
    assert first[1] == Distribution(name="tiny", version="2.0", digest=of_file(file))
    wheel(wheels, "tiny", "3.0")
    assert made("again", Wanted(requirements=("tiny",), locked=first)) == first
    wheel(wheels, "tiny", "2.0", requires="other>1")  # other bytes under the same name
    with pytest.raises(OfflineError) as caught:
        made("changed", Wanted(requirements=("tiny",), locked=first))
    assert "DO NOT MATCH THE HASHES" in " ".join(caught.value.why)
