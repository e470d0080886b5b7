"""A plan's Python environment, made with the real uv and the real pip from wheels written here: nothing comes from a network."""

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchloom.base.digest import of_file
from benchloom.base.talk import Silent
from benchloom.errors import InstallError, OfflineError
from benchloom.model.environment import Distribution
from benchloom.store.entries import WHEELS, Store
from benchloom.store.environments.install import EnvironmentTarget, install_environment
from benchloom.store.environments.seam import EnvironmentRequest, Source
from benchloom.store.fetch import Fetcher, FetchOptions
from benchloom.store.python_env import environment_python
from benchloom.store.sealing import BuildOutput
from benchloom.store.verify import verify
from support.wheels import wheel


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    wheel(folder)
    return folder


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def install(
    store: Store, folder: Path, final: Path, wanted: EnvironmentRequest, log: Path, **source: Any
) -> tuple[tuple[Distribution, ...], BuildOutput]:
    options: dict[str, Any] = {"offline": True, "environ": os.environ, "python": Path(sys.executable), **source}
    return install_environment(
        EnvironmentTarget(folder=folder, final=final, interpreter=options["python"]),
        wanted,
        Source(**options),
        store=store,
        fetcher=Fetcher(store.root, FetchOptions(offline=options["offline"])),
        log=log,
        talk=Silent(),
    )


def build(store: Store, requirements: list[str], wheels: Path, log: Path, **source: Any) -> dict[str, str]:
    final = store.content("python-key")

    def fill(folder: Path) -> BuildOutput:
        wanted = EnvironmentRequest(requirements=tuple(requirements))
        found, made = install(store, folder, final, wanted, log, find_links=(str(wheels),), **source)
        return replace(made, meta={**made.meta, **{item.name: item.version for item in found}})

    return store.build("python-key", "Python environment", fill).meta


def test_install_environment_offline_from_wheels_works_after_the_rename(tmp_path: Path, wheels: Path, installer: str):
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
    meta = build(store, ["tiny==2.0"], wheels, tmp_path / "logs/pip.log", environ=environ, installer=installer)
    assert {name: meta[name] for name in meta.keys() - {WHEELS}} == {"other": "1.5", "tiny": "2.0"}
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


def test_install_environment_offline_without_the_wheel_is_offline_error(tmp_path: Path, wheels: Path, installer: str):
    store = Store(tmp_path / "store")
    with pytest.raises(OfflineError, match="missing and --offline") as caught:
        build(store, ["absent-package==1.0"], wheels, tmp_path / "pip.log", installer=installer)
    assert "absent-package==1.0" in caught.value.why
    assert any(line.lower().startswith("error: ") for line in caught.value.why)
    assert store.find("python-key") is None
    assert os.listdir(store.root / "stage") == []


def test_install_environment_conflict_is_install_error_with_its_own_lines(tmp_path: Path, wheels: Path, installer: str):
    wheel(wheels, "other", "1.0", requires="tiny>=3")
    store = Store(tmp_path / "store")
    environ = {**os.environ, "PIP_NO_INDEX": "1"}
    with pytest.raises(InstallError) as caught:
        build(
            store,
            ["other", "tiny==1.0"],
            wheels,
            tmp_path / "pip.log",
            offline=False,
            environ=environ,
            installer=installer,
        )
    assert type(caught.value) is InstallError
    assert caught.value.exit_code == 3
    assert caught.value.where == str(tmp_path / "pip.log")
    assert caught.value.why
    assert all(line.startswith(("ERROR", "error: ", "cause: ")) for line in caught.value.why)
    assert "tiny" in " ".join(caught.value.why)


def test_install_environment_interpreter_without_pip_tells_what_it_said(tmp_path: Path, wheels: Path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    python = environment_python(bare)
    with pytest.raises(OfflineError) as caught:
        build(Store(tmp_path / "store"), ["tiny"], wheels, tmp_path / "pip.log", python=python, installer="pip")
    assert "No module named pip" in " ".join(caught.value.why)


def test_install_environment_locked_takes_exactly_the_files_of_the_lock(tmp_path: Path, wheels: Path, installer: str):
    wheel(wheels, "tiny", "2.0", requires="other")
    wheel(wheels, "other", "1.5")
    store = Store(tmp_path / "store")

    def made(name: str, wanted: EnvironmentRequest, store: Store = store) -> tuple[Distribution, ...]:
        place, log = tmp_path / name, tmp_path / f"{name}.log"
        return install(store, place, place, wanted, log, find_links=(str(wheels),), installer=installer)[0]

    first = made("first", EnvironmentRequest(requirements=("tiny",)))
    file = wheels / "tiny-2.0-py3-none-any.whl"
    assert first[1] == Distribution(name="tiny", version="2.0", digest=of_file(file))
    wheel(wheels, "tiny", "3.0")
    assert made("again", EnvironmentRequest(requirements=("tiny",), locked=first)) == first
    wheel(wheels, "tiny", "2.0", requires="other>1")  # other bytes under the same name
    assert made("kept", EnvironmentRequest(requirements=("tiny",), locked=first)) == first
    with pytest.raises(OfflineError) as caught:
        made("changed", EnvironmentRequest(requirements=("tiny",), locked=first), Store(tmp_path / "empty"))
    assert re.search(rf"{first[1].digest}|DO NOT MATCH THE HASHES", " ".join(caught.value.why))


def test_an_environment_shares_the_files_of_its_wheels_and_owns_the_rest(tmp_path: Path, wheels: Path):
    store = Store(tmp_path / "store")
    meta = build(store, ["tiny"], wheels, tmp_path / "log")
    [key] = meta[WHEELS].split(",")
    [module] = store.content("python-key").rglob("tiny.py")
    assert module.samefile(store.content(key) / "tiny.py")
    assert not module.stat().st_mode & 0o222
    [record] = store.content("python-key").rglob("RECORD")
    assert not record.samefile(store.content(key) / "tiny-1.0.dist-info/RECORD")
    assert "../../../bin/tiny-say" in record.read_text()
    assert not list(store.root.rglob("*.pyc"))
    assert [item.severity for item in verify(store)] == ["pass", "pass"]
    assert not store.roots()
