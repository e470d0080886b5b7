"""Transports are found by the schemes they state."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchloom.errors import InputError, OfflineError
from benchloom.model.component import Fetch
from benchloom.store.fetch import Fetcher, FetchOptions, transports
from benchloom.store.fetch.transports import is_local, is_remote

DATA = b"what is written on the wall\n"
MODULE = f"""\
class Transport:
    schemes = ("wall",)
    is_local = {{is_local}}
    def __init__(self, options, stop, talk):
        pass
    def download(self, url, fetch, part):
        part.write_bytes({DATA!r})
        return False
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """One more module beside the transports there are."""
    (tmp_path / "more").mkdir()
    name = f"wall_{request.node.callspec.id}" if hasattr(request.node, "callspec") else "wall"
    (tmp_path / "more" / f"{name}.py").write_text(MODULE.format(is_local=request.param))
    monkeypatch.setattr(transports, "__path__", [*transports.__path__, str(tmp_path / "more")])
    transports.transports.cache_clear()
    yield
    monkeypatch.undo()
    transports.transports.cache_clear()


def pinned() -> Fetch:
    return Fetch(url="wall://here/data.txt", digest=f"sha256:{hashlib.sha256(DATA).hexdigest()}")


def test_transports_are_those_of_the_modules():
    assert list(transports.transports()) == ["file", "http", "https"]


@pytest.mark.parametrize(
    ("url", "local", "remote"),
    [("file:///a", True, False), ("HTTPS://a/b", False, True), ("/a", False, False), ("", False, False)],
)
def test_scheme_says_whether_a_socket_is_needed(url: str, local: bool, remote: bool):
    assert (is_local(url), is_remote(url)) == (local, remote)


@pytest.mark.parametrize("added", [True, False], indirect=True)
@pytest.mark.usefixtures("added")
def test_one_more_scheme_is_one_more_module(tmp_path: Path):
    assert Fetcher(tmp_path / "store").obtain(pinned(), tmp_path).path.read_bytes() == DATA


@pytest.mark.parametrize("added", [False], indirect=True)
@pytest.mark.usefixtures("added")
def test_transport_that_opens_a_socket_is_not_used_offline(tmp_path: Path):
    fetcher = Fetcher(tmp_path / "store", FetchOptions(offline=True))
    assert fetcher.missing(pinned())
    with pytest.raises(OfflineError):
        fetcher.obtain(pinned(), tmp_path)


@pytest.mark.parametrize("added", [True], indirect=True)
@pytest.mark.usefixtures("added")
def test_transport_that_opens_none_is_used_offline(tmp_path: Path):
    fetcher = Fetcher(tmp_path / "store", FetchOptions(offline=True))
    assert not fetcher.missing(pinned())
    assert fetcher.obtain(pinned(), tmp_path).size == len(DATA)


def test_without_its_module_a_scheme_is_told_those_there_are(tmp_path: Path):
    with pytest.raises(InputError, match="its scheme is not one of file, http, https"):
        Fetcher(tmp_path / "store").obtain(pinned(), tmp_path)
