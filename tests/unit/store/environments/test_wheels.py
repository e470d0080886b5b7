"""Wheels as entries: checked, kept, shared, made anew; and who obtains them."""

import base64
import functools
import http.server
import os
import shutil
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from benchloom.base.digest import of_file
from benchloom.base.talk import Progress, Silent
from benchloom.errors import FetchError, IntegrityError, OfflineError
from benchloom.model.environment import Distribution
from benchloom.store.entries import WHEELS, Store
from benchloom.store.environments.assemble import Linker
from benchloom.store.environments.cached_wheels import lacking
from benchloom.store.environments.install import EnvironmentTarget, install_environment
from benchloom.store.environments.seam import Commands, EnvironmentRequest, Pinned, Source
from benchloom.store.environments.solve_pip import Pip
from benchloom.store.environments.wheels import Builder, Wheels
from benchloom.store.fetch import Fetcher, FetchOptions
from benchloom.store.gc import collect
from benchloom.store.sealing import BuildOutput
from support.server import FileServer
from support.wheels import wheel

PYTHON = Path(sys.executable)
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | {
    "PIP_CONFIG_FILE": os.devnull
}


class Told(Silent):
    """Talk that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Progress]:
        self.lines.append(label)
        return super().progress(label, total, unit)


class World:
    """A store, and environments in it from a folder of wheels or an index."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.talk = folder, Store(folder / "store"), Told()
        self.wheels = folder / "wheels"
        self.wheels.mkdir()

    def obtain(self, *pinned: Pinned) -> list[Any]:
        fetcher = Fetcher(self.store.root, FetchOptions(retries=1))
        pip = Pip(Source(python=PYTHON, environ=CLEAN), Commands(self.folder / "log"))
        return list(Wheels(self.store, fetcher, pip, self.talk).obtain(pinned, Builder(pip, PYTHON, "tag")))

    def keys_of(self, label: str) -> list[str]:
        keys = self.store.keys()
        return [key for key in keys if self.store.find(key).label == label]

    def environment(self, key: str, wanted: EnvironmentRequest, **source: Any) -> tuple[Distribution, ...]:
        found: list[Distribution] = []
        options = {"environ": CLEAN, "offline": True, "find_links": (str(self.wheels),), "installer": "uv", **source}

        def fill(folder: Path) -> BuildOutput:
            distributions, made = install_environment(
                EnvironmentTarget(folder=folder, final=self.store.content(key), interpreter=PYTHON),
                wanted,
                Source(python=PYTHON, **options),
                store=self.store,
                fetcher=Fetcher(self.store.root, FetchOptions(retries=1)),
                log=self.folder / "log",
                talk=self.talk,
            )
            found.extend(distributions)
            return made

        self.store.build(key, "Python environment", fill)
        return tuple(found)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def pinned(file: Path, name: str = "tiny", **more: Any) -> Pinned:
    return Pinned(name=name, version="1.0", **{"digest": of_file(file), "url": file.as_uri(), "is_wheel": True, **more})


def file_of(world: World, name: str = "tiny", version: str = "1.0") -> Path:
    wheel(world.wheels, name, version)
    return world.wheels / f"{name}-{version}-py3-none-any.whl"


def test_a_wheel_that_is_not_what_its_index_states_is_refused(world: World):
    with pytest.raises(IntegrityError, match="does not match the digest in its index"):
        world.obtain(pinned(file_of(world), digest="sha256:" + "0" * 64))
    assert not world.store.keys()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda files: files.update({"tiny.py": b"VERSION = 6"}), "tiny.py differs"),
        (lambda files: files.pop("tiny.py"), "tiny.py is missing"),
    ],
)
def test_a_wheel_that_is_not_what_its_own_record_says_is_refused(world: World, change: Any, why: str):
    file = file_of(world)
    with zipfile.ZipFile(file) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    with zipfile.ZipFile(file, "w") as new:
        for name, data in files.items():
            new.writestr(name, data)
    with pytest.raises(IntegrityError, match="does not match its RECORD") as caught:
        world.obtain(pinned(file))
    assert caught.value.why == (why,)
    assert not world.store.keys()


def test_wheels_that_were_finished_stay_if_another_fails(world: World):
    absent = pinned(file_of(world, "other"), "other", url=(world.folder / "gone.whl").as_uri())
    with pytest.raises(FetchError):
        world.obtain(pinned(file_of(world)), absent)
    [key] = world.store.keys()
    assert world.store.find(key).label == "tiny 1.0"


def test_a_download_is_kept_unpacked_only_and_under_its_own_name(world: World):
    file = file_of(world)
    with FileServer(world.wheels) as server:
        [entry] = world.obtain(pinned(file, url=server.url(file.name)))
    assert entry.meta["wheel"] == file.name
    assert not list((world.store.root / "downloads").iterdir())


@pytest.mark.parametrize("temporary", ["before", "xafter"])
def test_a_wheel_whose_files_have_changed_is_made_anew_before_it_is_linked(
    world: World, temporary: str, monkeypatch: pytest.MonkeyPatch
):
    """Of two files of one name, uv takes that in the folder that sorts first: the folder of wheels, or of their stand-ins."""
    (world.folder / temporary).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(world.folder / temporary))
    file_of(world)
    world.environment("environment-1", EnvironmentRequest(requirements=("tiny",)))
    [module] = world.store.content("environment-1").rglob("tiny.py")
    module.chmod(0o644)
    module.write_text("raise SystemExit\n")
    world.environment("environment-2", EnvironmentRequest(requirements=("tiny",)))
    [whole] = world.store.content("environment-2").rglob("tiny.py")
    assert "VERSION" in whole.read_text()
    assert [line for line in world.talk.lines if "fetching it again" in line]


def test_a_file_that_two_distributions_have_is_the_later_ones_and_no_wheel_changes(world: World):
    file_of(world, "other")
    file = file_of(world)
    with zipfile.ZipFile(file, "a") as added:
        added.writestr("other.py", "OF_TINY = 1\n")
    world.environment("environment-1", EnvironmentRequest(requirements=("tiny", "other")))
    [module] = world.store.content("environment-1").rglob("other.py")
    assert module.read_text() == "OF_TINY = 1\n"
    [key] = world.keys_of("other 1.0")
    assert "VERSION" in (world.store.content(key) / "other.py").read_text()


def test_collection_keeps_the_wheels_of_environments_that_are_kept(world: World):
    file_of(world)
    file_of(world, "other")
    world.environment("environment-1", EnvironmentRequest(requirements=("tiny",)))
    world.environment("environment-2", EnvironmentRequest(requirements=("other",)))
    [kept] = world.store.find("environment-1").meta[WHEELS].split(",")
    dry = collect(world.store, frozenset({"environment-1"}), dry_run=True)
    report = collect(world.store, frozenset({"environment-1"}))
    assert set(report.kept) == {"environment-1", kept}
    assert len(report.removed) == 2
    assert report.bytes == dry.bytes > 0
    freed = collect(world.store).bytes  # the file that both have counts once
    assert freed < 2 * sum(path.stat().st_size for path in world.wheels.iterdir()) + 20_000
    assert not world.store.keys()


def test_pip_is_asked_where_uv_does_not_manage(world: World):
    file_of(world)
    broken = world.folder / "bin" / "uv"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho error: not today\nexit 3\n")
    broken.chmod(0o755)
    environ = {**CLEAN, "PATH": f"{broken.parent}:{os.environ['PATH']}"}
    [found] = world.environment(
        "environment-1", EnvironmentRequest(requirements=("tiny",)), environ=environ, installer="auto"
    )
    assert found.name == "tiny"
    assert "uv failed, falling back to pip: error: not today" in world.talk.lines


BACKEND = """
import zipfile
import other
def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "late-1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/late-1.0-py3-none-any.whl", "w") as made:
        made.writestr("late.py", f"BUILT_WITH = {other.VERSION!r}\\n")
        made.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: late\\nVersion: 1.0\\nRequires-Dist: tiny\\n")
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        made.writestr(f"{info}/RECORD", f"late.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
    return "late-1.0-py3-none-any.whl"
"""


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_what_is_built_among_others_is_a_wheel_too_and_what_it_requires_is_there(world: World, installer: str):
    file_of(world)
    file_of(world, "other", "1.5")
    source = world.folder / "late-1.0"
    source.mkdir()
    (source / "backend.py").write_text(BACKEND)
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    with tarfile.open(world.wheels / "late-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "late-1.0")
    wanted = EnvironmentRequest(requirements=("late",), built_among={"late": ("other==1.5",)})
    found = world.environment("environment-1", wanted, installer=installer)
    assert [item.name for item in found] == ["late", "other", "tiny"]
    assert found[0].digest == of_file(world.wheels / "late-1.0.tar.gz")
    [module] = world.store.content("environment-1").rglob("late.py")
    assert module.read_text() == "BUILT_WITH = '1.5'\n"
    shutil.rmtree(source)
    assert (
        world.environment(
            "environment-2", EnvironmentRequest(requirements=(), built_among=wanted.built_among, locked=found)
        )
        == found
    )
    built = world.keys_of("late 1.0")
    world.environment("environment-3", wanted, installer=installer)
    assert world.keys_of("late 1.0") == built


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_environment_whose_wheels_are_here_is_made_without_an_index(world: World, installer: str):
    file_of(world, "other", "1.0+local")
    wheel(world.wheels, "tiny", "1.0", requires="other")
    first = world.environment("environment-1", EnvironmentRequest(requirements=("tiny",)), installer=installer)
    assert lacking(world.store, ["Tiny>=1", "other==1.0+local", "tiny==2", "absent"]) == ["tiny==2", "absent"]
    again = world.environment(
        "environment-2", EnvironmentRequest(requirements=("tiny>=1",)), installer=installer, find_links=()
    )
    assert again == first
    [one], [two] = ([*world.store.content(key).rglob("tiny.py")] for key in ("environment-1", "environment-2"))
    assert one.samefile(two)
    with pytest.raises(OfflineError):
        world.environment(
            "environment-3", EnvironmentRequest(requirements=("absent",)), installer=installer, find_links=()
        )


class _Guarded(http.server.SimpleHTTPRequestHandler):
    """An index that wants a name and a password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Basic {base64.b64encode(b'me:it').decode()}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def guarded(world: World) -> Iterator[str]:
    page = world.folder / "index" / "tiny"
    page.mkdir(parents=True)
    file = shutil.copy(file_of(world), page)
    (page / "index.html").write_text(
        f'<a href="{Path(file).name}#sha256={of_file(Path(file)).partition(":")[2]}">{Path(file).name}</a>'
    )
    handler = functools.partial(_Guarded, directory=str(page.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://me:it@127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_an_index_that_wants_credentials_is_downloaded_from_by_pip(world: World, guarded: str):
    environ = {**CLEAN, "PIP_INDEX_URL": guarded, "UV_CACHE_DIR": str(world.folder / "cache")}
    [found] = world.environment(
        "environment-1", EnvironmentRequest(requirements=("tiny",)), environ=environ, offline=False, find_links=()
    )
    assert found.name == "tiny"
    assert "downloading tiny with pip, as its configuration requires" in world.talk.lines


def test_pip_is_asked_for_what_our_own_download_is_refused(world: World, guarded: str):
    host = guarded.rpartition("@")[2].rstrip("/")
    netrc = world.folder / "netrc"
    netrc.write_text(f"machine {host.partition(':')[0]} login me password it\n")
    netrc.chmod(0o600)
    environ = {
        **CLEAN,
        "PIP_INDEX_URL": f"http://{host}/",
        "NETRC": str(netrc),
        "UV_CACHE_DIR": str(world.folder / "cache"),
    }
    [found] = world.environment(
        "environment-1", EnvironmentRequest(requirements=("tiny",)), environ=environ, offline=False, find_links=()
    )
    assert found.name == "tiny"
    assert "tiny-1.0-py3-none-any.whl could not be fetched, falling back to pip" in world.talk.lines


def test_files_are_copied_where_they_can_be_neither_cloned_nor_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(18, "cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "file").write_text("text")
    (tmp_path / "file").chmod(0o555)
    linker = Linker()
    linker.link(str(tmp_path / "file"), str(tmp_path / "other"))
    assert not linker.is_sharing
    assert ((tmp_path / "other").read_text(), (tmp_path / "other").stat().st_mode & 0o777) == ("text", 0o555)
