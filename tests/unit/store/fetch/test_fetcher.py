"""Downloads from a real server that misbehaves: resumed, mirrored, checked, and honest about what went wrong."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchloom.base.talk import Silent
from benchloom.errors import FetchError, InputError, IntegrityError, LoomError, OfflineError
from benchloom.model.component import Fetch
from benchloom.store.fetch import Fetcher, FetchOptions, file_name, place_of, redacted
from support.mounts import mounted
from support.server import FileServer

DATA = bytes(range(256)) * 4096  # 1 MiB
OTHER = bytes(reversed(DATA))
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
FAST = FetchOptions(backoff=0.0)


class Heard(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def server(tmp_path: Path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "data.bin").write_bytes(DATA)
    (folder / "other.bin").write_bytes(OTHER)
    with FileServer(folder) as running:
        yield running


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(tmp_path / "store", FAST, Heard())


def left(fetcher: Fetcher) -> list[str]:
    return sorted(os.listdir(fetcher.folder))


def pinned(url: str, **more: object) -> Fetch:
    return Fetch(url=url, digest=DIGEST, size=len(DATA), **more)


@pytest.mark.parametrize(
    ("fetch", "name", "place"),
    [
        (Fetch(url="https://x/a/b%20c.onnx?download=1#part"), "b c.onnx", "b c.onnx"),
        (Fetch(url="https://x/a.onnx", filename="other.onnx", unpack_to="there"), "other.onnx", "there/other.onnx"),
        (Fetch(path="sub/a.txt"), "a.txt", "a.txt"),
        (Fetch(path="a.txt", filename="sub/b.txt"), "b.txt", "sub/b.txt"),
        (Fetch(path="a.txt", filename="../b.txt"), "b.txt", "../b.txt"),  # refused by whoever puts it there
        (Fetch(url="https://x"), "download", "download"),
    ],
)
def test_one_rule_names_a_download_and_where_it_goes(fetch: Fetch, name: str, place: str):
    assert (file_name(fetch), place_of(fetch)) == (name, place)


def test_obtain_plain_file_is_kept_by_digest_and_reused(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    fetch = pinned(server.url("data.bin"))
    assert fetcher.missing(fetch)
    first = fetcher.obtain(fetch, tmp_path)
    second = fetcher.obtain(fetch, tmp_path)
    assert first.path.read_bytes() == DATA
    assert (first.digest, first.size, first.reused) == (DIGEST, len(DATA), False)
    assert first.source == server.url("data.bin")
    assert second.reused
    assert left(fetcher) == [DIGEST.replace(":", "-")]
    assert server.requests["/data.bin"] == 1
    assert not fetcher.missing(fetch)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512", "md5"])
def test_obtain_every_digest_algorithm_is_checked(server: FileServer, fetcher: Fetcher, tmp_path: Path, algorithm: str):
    digest = f"{algorithm}:{hashlib.new(algorithm, DATA).hexdigest()}"
    assert fetcher.obtain(Fetch(url=server.url("data.bin"), digest=digest), tmp_path).digest == digest
    with pytest.raises(IntegrityError):
        fetcher.obtain(Fetch(url=server.url("other.bin"), digest=digest[:-4] + "0000"), tmp_path)


def test_obtain_truncated_once_resumes_where_it_stopped(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.truncate("data.bin", 300_000)
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA
    first, second = server.seen("data.bin")
    assert "range" not in first.headers
    start = int(second.headers["range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= 300_000
    assert second.headers["if-range"].startswith('"')


def test_obtain_always_truncated_fails_keeps_part_and_next_run_resumes(
    server: FileServer, fetcher: Fetcher, tmp_path: Path
):
    server.truncate("data.bin", 100_000, times=None)
    with pytest.raises(FetchError, match="could not be fetched") as caught:
        fetcher.obtain(pinned(server.url("data.bin")), tmp_path)
    assert caught.value.exit_code == 3
    part = fetcher.blob(pinned("")).with_name(f"{fetcher.blob(pinned('')).name}.part")
    assert part.stat().st_size > 100_000
    server.truncate("data.bin", -1)
    before = len(server.seen("data.bin"))
    have = part.stat().st_size
    assert Fetcher(fetcher.root, FAST).obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA
    (request,) = server.seen("data.bin")[before:]
    assert request.headers["range"] == f"bytes={have}-"
    assert left(fetcher) == [fetcher.blob(pinned("")).name]


def test_obtain_file_changed_between_attempts_starts_over(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    """Unpinned, so that only the ETag can tell that the beginning belongs to another file."""
    fetch = Fetch(url=server.url("moving.bin"), unpinned="for this test")
    (server.folder / "moving.bin").write_bytes(OTHER)
    server.truncate("moving.bin", 100_000, times=3)
    with pytest.raises(FetchError):
        fetcher.obtain(fetch, tmp_path)
    (server.folder / "moving.bin").write_bytes(DATA)
    assert fetcher.obtain(fetch, tmp_path).path.read_bytes() == DATA
    assert "range" in server.seen("moving.bin")[-1].headers


def test_obtain_server_without_ranges_starts_over(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.behave("data.bin", ignore_range=True)
    server.truncate("data.bin", 300_000)
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA


def test_obtain_weak_etag_is_not_used_to_resume(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.behave("data.bin", etag='W/"x"')
    server.truncate("data.bin", 300_000)
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA
    assert not server.seen("data.bin")[-1].headers.get("if-range", "").startswith("W/")


def write_part(server: FileServer, fetcher: Fetcher, name: str, data: bytes) -> Path:
    """Leave a part of ``name`` as a killed download would: the right tag, these bytes."""
    server.truncate(name, 1, times=None)
    with pytest.raises(FetchError):
        Fetcher(fetcher.root, FetchOptions(retries=1)).obtain(pinned(server.url(name)), fetcher.root)
    server.truncate(name, -1)
    part = fetcher.blob(pinned("")).with_name(f"{fetcher.blob(pinned('')).name}.part")
    part.write_bytes(data)
    return part


def test_obtain_part_that_is_whole_already_is_taken_as_it_is(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    write_part(server, fetcher, "data.bin", DATA)
    before = server.requests["/data.bin"]
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA
    assert server.requests["/data.bin"] == before + 1


def test_obtain_spoiled_part_is_not_the_servers_fault(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    write_part(server, fetcher, "data.bin", b"\0" * 5000)
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA
    assert "range" not in server.seen("data.bin")[-1].headers


def test_obtain_part_longer_than_the_file_starts_over(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    write_part(server, fetcher, "data.bin", DATA + b"more")
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA


def test_obtain_first_source_404_takes_the_mirror(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    fetch = pinned(server.url("gone.bin"), mirrors=(server.url("data.bin"),))
    assert fetcher.obtain(fetch, tmp_path).source == server.url("data.bin")
    assert server.requests["/gone.bin"] == 1


def test_obtain_server_error_is_tried_again(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.fail("data.bin", 503, times=1)
    fetcher.obtain(pinned(server.url("data.bin")), tmp_path)
    server.fail("other.bin", 429, times=1)
    fetcher.obtain(Fetch(url=server.url("other.bin"), unpinned="test"), tmp_path)
    assert (server.requests["/data.bin"], server.requests["/other.bin"]) == (2, 2)


def test_obtain_all_sources_fail_every_reason_is_told(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.fail("b.bin", 500, times=None)
    fetch = pinned(server.url("a.bin"), mirrors=(server.url("b.bin"), (tmp_path / "none").as_uri()))
    with pytest.raises(FetchError) as caught:
        fetcher.obtain(fetch, tmp_path)
    reasons = "\n".join(caught.value.why)
    assert "a.bin: HTTP status 404" in reasons
    assert "b.bin: HTTP status 500" in reasons
    assert "file not found" in reasons
    assert str(fetcher.blob(fetch)) in caught.value.fix
    assert server.requests["/b.bin"] == 3


def test_obtain_wrong_bytes_then_right_mirror_delivers(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    fetch = pinned(server.url("other.bin"), mirrors=(server.url("data.bin"),))
    assert fetcher.obtain(fetch, tmp_path).path.read_bytes() == DATA


def test_obtain_wrong_bytes_everywhere_is_integrity_error_and_nothing_left(
    server: FileServer, fetcher: Fetcher, tmp_path: Path
):
    with pytest.raises(IntegrityError) as caught:
        fetcher.obtain(pinned(server.url("other.bin")), tmp_path)
    assert caught.value.exit_code == 5
    assert DIGEST in str(caught.value)
    assert hashlib.sha256(OTHER).hexdigest() in str(caught.value)
    assert "update the digest" in caught.value.fix
    assert left(fetcher) == []


def test_obtain_announced_size_differs_does_not_download(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    fetch = Fetch(url=server.url("data.bin"), digest=DIGEST, size=1000)
    with pytest.raises(IntegrityError, match=r"data\.bin") as caught:
        fetcher.obtain(fetch, tmp_path)
    assert "the component states 1000" in str(caught.value)
    assert left(fetcher) == []


def test_obtain_unannounced_size_differs_stops_at_the_stated_size(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.behave("data.bin", no_length=True)
    with pytest.raises(IntegrityError):
        fetcher.obtain(Fetch(url=server.url("data.bin"), digest=DIGEST, size=1000), tmp_path)
    assert not [name for name in left(fetcher) if not name.endswith((".part", ".part.tag"))]


def test_obtain_without_length_uses_the_stated_size_to_notice_truncation(
    server: FileServer, fetcher: Fetcher, tmp_path: Path
):
    server.behave("data.bin", no_length=True)
    server.truncate("data.bin", 1000, times=1)
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA


def test_obtain_unpinned_prints_the_digest_to_paste(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    fetch = Fetch(url=server.url("data.bin"), unpinned="upstream moves")
    assert fetcher.obtain(fetch, tmp_path).digest == DIGEST
    assert any(DIGEST in note for note in fetcher.talk.notes)
    assert fetcher.obtain(fetch, tmp_path).reused


def test_obtain_kept_file_was_damaged_is_fetched_again_with_warning(
    server: FileServer, fetcher: Fetcher, tmp_path: Path
):
    fetch = pinned(server.url("data.bin"))
    blob = fetcher.obtain(fetch, tmp_path).path
    blob.write_bytes(DATA[:-1])
    again = fetcher.obtain(fetch, tmp_path)
    assert not again.reused
    assert blob.read_bytes() == DATA
    assert "downloaded again" in fetcher.talk.warnings[0]


def test_obtain_redirect_is_followed(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.behave("latest", redirect=server.url("data.bin"))
    assert fetcher.obtain(pinned(server.url("latest")), tmp_path).path.read_bytes() == DATA


def test_obtain_file_url_with_spaces_copies_even_offline(fetcher: Fetcher, tmp_path: Path):
    path = tmp_path / "a file.bin"
    path.write_bytes(DATA)
    offline = Fetcher(fetcher.root, FetchOptions(offline=True))
    assert not offline.missing(pinned(path.as_uri()))
    assert offline.obtain(pinned(path.as_uri()), tmp_path).path.read_bytes() == DATA


def test_obtain_file_url_after_partial_download_leaves_no_stale_tag(
    server: FileServer, fetcher: Fetcher, tmp_path: Path
):
    write_part(server, fetcher, "data.bin", b"x" * 10)
    path = tmp_path / "wrong.bin"
    path.write_bytes(OTHER)
    with pytest.raises(IntegrityError):
        fetcher.obtain(pinned(path.as_uri()), tmp_path)
    assert left(fetcher) == []


@pytest.mark.parametrize("layout", [DIGEST.replace(":", "/"), "127.0.0.1", "."], ids=["digest", "address", "name"])
def test_obtain_mirror_folder_is_asked_first(server: FileServer, fetcher: Fetcher, tmp_path: Path, layout: str):
    mirror = tmp_path / "mirror"
    place = mirror / layout
    place.mkdir(parents=True)
    (place / "data.bin").write_bytes(DATA)
    fetch = pinned(server.url("data.bin"))
    mirrored = Fetcher(fetcher.root, FetchOptions(mirror=str(mirror), offline=True))
    assert not mirrored.missing(fetch)
    assert mirrored.obtain(fetch, tmp_path).source.startswith("file:")
    assert server.requests["/data.bin"] == 0


@pytest.mark.parametrize("over_http", [False, True])
def test_files_of_one_name_lie_side_by_side_in_a_mirror(
    server: FileServer, fetcher: Fetcher, tmp_path: Path, *, over_http: bool
):
    for place, data in (("old", DATA), ("new", OTHER)):
        folder = server.folder / "mirror" / "models.example" / place
        folder.mkdir(parents=True)
        (folder / "net v1.onnx").write_bytes(data)
    mirror = server.url("mirror") if over_http else str(server.folder / "mirror")
    mirrored = Fetcher(fetcher.root, FetchOptions(mirror=mirror))
    for place, data in (("old", DATA), ("new", OTHER)):
        fetch = Fetch(url=f"https://models.example/{place}/net%20v1.onnx", unpinned="test")
        assert mirrored.obtain(fetch, tmp_path).path.read_bytes() == data


def test_address_that_would_lead_out_of_a_mirror_is_not_followed(fetcher: Fetcher, tmp_path: Path):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "secret").write_bytes(DATA)
    mirrored = Fetcher(fetcher.root, FetchOptions(mirror=str(tmp_path / "mirror"), offline=True))
    assert mirrored.missing(Fetch(url="https://models.example/%2e%2e/%2e%2e/secret", unpinned="test"))


def test_obtain_mirror_folder_with_wrong_bytes_goes_on_to_the_source(
    server: FileServer, fetcher: Fetcher, tmp_path: Path
):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "data.bin").write_bytes(OTHER)
    mirrored = Fetcher(fetcher.root, FetchOptions(mirror=str(tmp_path / "mirror")))
    assert mirrored.obtain(pinned(server.url("data.bin")), tmp_path).source == server.url("data.bin")


def test_obtain_mirror_url_is_asked_first(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    place = server.folder / "mirror" / DIGEST.replace(":", "/")
    place.mkdir(parents=True)
    (place / "a name.bin").write_bytes(DATA)
    mirrored = Fetcher(fetcher.root, FetchOptions(mirror=server.url("mirror/")))
    assert mirrored.obtain(pinned("http://127.0.0.1:9/a%20name.bin"), tmp_path).path.read_bytes() == DATA
    (server.folder / "mirror" / "data.bin").write_bytes(OTHER)
    unpinned = Fetch(url="http://127.0.0.1:9/data.bin", unpinned="test")
    assert mirrored.obtain(unpinned, tmp_path).path.read_bytes() == OTHER


def test_obtain_offline_says_what_is_missing_and_asks_nobody(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    offline = Fetcher(fetcher.root, FetchOptions(offline=True, mirror=server.base))
    with pytest.raises(OfflineError, match="--offline forbids") as caught:
        offline.obtain(pinned(server.url("data.bin")), tmp_path)
    assert DIGEST in caught.value.what
    assert not server.log


def test_obtain_offline_opens_no_socket(tmp_path: Path):
    """An audit hook in a fresh interpreter sees every socket, whoever opens it."""
    code = """
import sys
from pathlib import Path
opened = []
sys.addaudithook(lambda event, args: opened.append(event) if event.startswith("socket.") else None)
from benchloom.errors import OfflineError
from benchloom.model.component import Fetch
from benchloom.store.fetch import Fetcher, FetchOptions
fetcher = Fetcher(Path(sys.argv[1]), FetchOptions(offline=True, mirror="http://127.0.0.1:9"))
fetch = Fetch(url="http://127.0.0.1:9/data.bin", digest="sha256:" + "0" * 64)
assert fetcher.missing(fetch)
try:
    fetcher.obtain(fetch, Path("."))
except OfflineError:
    print("offline", opened)
try:
    Fetcher(Path(sys.argv[1]), FetchOptions(retries=1)).obtain(fetch, Path("."))
except Exception:
    print("online", bool(opened))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["offline []", "online True"]


class _Proxy(BaseHTTPRequestHandler):
    """A forward proxy that answers every GET with DATA and remembers what was asked."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_obtain_http_proxy_gets_the_request(fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        url = "http://files.invalid/data.bin"
        assert fetcher.obtain(pinned(url), tmp_path).path.read_bytes() == DATA
        proxy.shutdown()
        thread.join()
    assert _Proxy.asked == [url]


def test_obtain_unusable_proxy_setting_is_fetch_error_without_password(
    fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", "gopher://user:hunter2@127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "gopher://user:hunter2@127.0.0.1:9")
    with pytest.raises(FetchError, match="proxy") as caught:
        fetcher.obtain(pinned("http://files.invalid/data.bin"), tmp_path)
    assert "hunter2" not in str(caught.value)


def test_obtain_credentials_appear_in_no_message_and_no_file(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    host = server.base.removeprefix("http://")
    urls = {name: f"http://user:hunter2@{host}/{name}?token=s3cret" for name in ("other.bin", "gone.bin", "data.bin")}
    server.truncate("data.bin", 1000, times=None)
    said: list[str] = []
    for url in urls.values():
        with pytest.raises(LoomError) as caught:
            fetcher.obtain(pinned(url), tmp_path)
        said += [str(caught.value), repr(caught.value.as_dict())]
    files = [path for path in fetcher.root.rglob("*") if path.is_file() and path.stat().st_size < 10_000]
    assert any(path.suffix == ".tag" for path in files)
    said += [path.read_bytes().decode(errors="replace") + str(path) for path in files]
    server.truncate("data.bin", -1)
    said.append(fetcher.obtain(pinned(urls["data.bin"]), tmp_path).source)
    said += fetcher.talk.notes + fetcher.talk.warnings
    assert not [text for text in said if "hunter2" in text or "s3cret" in text]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:pw@host:8080/a/b?x=1#frag", "https://host:8080/a/b?..."),
        ("https://host/a", "https://host/a"),
        ("file:///tmp/a%20b", "file:///tmp/a%20b"),
        ("http://[bad", ""),
    ],
)
def test_redacted_url_keeps_only_what_is_public(url: str, expected: str):
    assert redacted(url) == expected


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "http://[bad/x", "http://127.0.0.1:notaport/x", "http://\ud800/", "http:///x"]
)
def test_obtain_unusable_url_does_not_stop_the_mirrors(server: FileServer, fetcher: Fetcher, tmp_path: Path, url: str):
    fetch = pinned(url, mirrors=("nonsense:x", server.url("data.bin")))
    assert fetcher.obtain(fetch, tmp_path).path.read_bytes() == DATA


@pytest.mark.parametrize("is_date", [False, True], ids=["seconds", "date"])
def test_obtain_waits_as_long_as_the_server_asks(
    server: FileServer, fetcher: Fetcher, tmp_path: Path, *, is_date: bool
):
    server.fail("data.bin", 503)
    server.behave("data.bin", retry_after=formatdate(time.time() + 2, usegmt=True) if is_date else "1")
    begun = time.monotonic()
    assert fetcher.obtain(pinned(server.url("data.bin")), tmp_path).path.read_bytes() == DATA
    assert 0.9 <= time.monotonic() - begun < 5
    assert server.requests["/data.bin"] == 2


def test_obtain_server_that_asks_for_too_long_a_wait_is_left_for_the_mirror(
    server: FileServer, fetcher: Fetcher, tmp_path: Path
):
    server.fail("busy.bin", 429, times=None)
    server.behave("busy.bin", retry_after="86400")
    with pytest.raises(FetchError) as caught:
        fetcher.obtain(pinned(server.url("busy.bin")), tmp_path)
    assert "HTTP status 429; it requests a retry after 86400 s" in caught.value.why[0]
    assert server.requests["/busy.bin"] == 1
    fetch = pinned(server.url("busy.bin"), mirrors=(server.url("data.bin"),))
    assert fetcher.obtain(fetch, tmp_path).path.read_bytes() == DATA


def test_obtain_wait_ends_when_the_user_interrupts(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.fail("data.bin", 503, times=None)
    server.behave("data.bin", retry_after="60")
    threading.Timer(0.3, fetcher.stop.set).start()
    with pytest.raises(KeyboardInterrupt):
        fetcher.obtain(pinned(server.url("data.bin")), tmp_path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (FetchOptions(retries=1, window=0.3, least_bytes=1000), "too slow"),
        (FetchOptions(retries=1, attempt=0.5), "the attempt took more than 0.5 s"),
    ],
    ids=["rate", "total time"],
)
def test_obtain_that_brings_a_byte_now_and_then_ends(
    server: FileServer, fetcher: Fetcher, tmp_path: Path, options: FetchOptions, reason: str
):
    server.behave("data.bin", drip=0.05)
    with pytest.raises(FetchError) as caught:
        Fetcher(fetcher.root, options).obtain(pinned(server.url("data.bin")), tmp_path)
    assert reason in caught.value.why[0]


def test_obtain_answer_whose_headers_never_end_ends(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.behave("data.bin", drip_headers=0.05)
    begun = time.monotonic()
    with pytest.raises(FetchError, match="did not send complete headers"):
        Fetcher(fetcher.root, FetchOptions(retries=1, window=0.5)).obtain(pinned(server.url("data.bin")), tmp_path)
    assert time.monotonic() - begun < 5


def test_obtain_redirect_from_https_to_http_is_refused(
    server: FileServer, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    certificate = tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*make.split(), *files], cwd=tmp_path, check=True, capture_output=True)
    certificate.write_bytes((tmp_path / "cert.pem").read_bytes() + (tmp_path / "key.pem").read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with FileServer(server.folder, certificate) as secure:
        assert fetcher.obtain(pinned(secure.url("data.bin")), tmp_path).source.startswith("https:")
        fetcher.blob(pinned("")).unlink()
        secure.behave("data.bin", redirect=server.url("data.bin"))
        with pytest.raises(FetchError, match="redirects from https to unencrypted http"):
            fetcher.obtain(pinned(secure.url("data.bin")), tmp_path)
        assert server.requests["/data.bin"] == 0
        assert secure.requests["/data.bin"] == 2
        server.behave("up.bin", redirect=secure.url("other.bin"))
        fetch = Fetch(url=server.url("up.bin"), unpinned="for this test")
        assert fetcher.obtain(fetch, tmp_path).path.read_bytes() == OTHER


def test_obtain_redirect_without_end_is_fetch_error(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.behave("data.bin", redirect=server.url("data.bin"))
    with pytest.raises(FetchError, match="redirects more than"):
        fetcher.obtain(pinned(server.url("data.bin")), tmp_path)


@pytest.mark.parametrize("url", ["ftp://host/x", "data.bin", "http://[bad/x"])
def test_obtain_other_scheme_is_input_error(fetcher: Fetcher, tmp_path: Path, url: str):
    with pytest.raises(InputError, match="its scheme is not one of file, http, https"):
        fetcher.obtain(pinned(url), tmp_path)


def test_obtain_url_with_impossible_port_is_fetch_error(fetcher: Fetcher, tmp_path: Path):
    with pytest.raises(FetchError, match="could not be fetched"):
        fetcher.obtain(pinned("http://127.0.0.1:notaport/x"), tmp_path)


def test_obtain_in_parallel_makes_one_request(server: FileServer, fetcher: Fetcher, tmp_path: Path):
    server.behave("data.bin", delay=0.2)
    fetch = pinned(server.url("data.bin"))
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: Fetcher(fetcher.root, FAST).obtain(fetch, tmp_path), range(8)))
    assert server.requests["/data.bin"] == 1
    assert sorted(item.reused for item in done) == [False] + [True] * 7
    assert all(item.path.read_bytes() == DATA for item in done)


def test_obtain_silent_server_ends_after_every_attempt_timed_out(fetcher: Fetcher, tmp_path: Path):
    """The server accepts and never says a byte."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        impatient = Fetcher(fetcher.root, FetchOptions(timeout=0.2, retries=2, backoff=0.0))
        with pytest.raises(FetchError) as caught:
            impatient.obtain(pinned(f"http://127.0.0.1:{silent.getsockname()[1]}/data.bin"), tmp_path)
    assert "Timeout" in caught.value.why[0]


def test_obtain_full_disk_is_install_error_and_leaves_nothing(server: FileServer, tmp_path: Path):
    """A real file system of 256 KiB, mounted in a namespace of its own."""
    small = tmp_path / "small"
    small.mkdir()
    code = """
import sys
from pathlib import Path
from benchloom.errors import InstallError
from benchloom.model.component import Fetch
from benchloom.store.fetch import Fetcher
root, url, digest = sys.argv[1:]
try:
    Fetcher(Path(root)).obtain(Fetch(url=url, digest=digest), Path("."))
except InstallError as error:
    print(error)
    print(sorted(path.name for path in (Path(root) / "downloads").iterdir()))
"""
    words = [sys.executable, "-c", code, str(small / "s"), server.url("data.bin"), DIGEST]
    done = mounted('mount -t tmpfs -o size=256k tmpfs "$1"', small, *words)
    assert "the disk is full: data.bin could not be written" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_obtain_from_component_folder_checks_and_stays_inside(fetcher: Fetcher, tmp_path: Path):
    component = tmp_path / "component"
    component.mkdir()
    (component / "data.bin").write_bytes(DATA)
    (tmp_path / "secret").write_bytes(DATA)
    assert fetcher.obtain(Fetch(path="data.bin", digest=DIGEST), component).path == component / "data.bin"
    with pytest.raises(InputError, match="outside the component"):
        fetcher.obtain(Fetch(path="../secret", digest=DIGEST), component)
    with pytest.raises(FetchError, match="not in the component's folder"):
        fetcher.obtain(Fetch(path="none", digest=DIGEST), component)
    (component / "data.bin").write_bytes(OTHER)
    with pytest.raises(IntegrityError, match="the component states"):
        fetcher.obtain(Fetch(path="data.bin", digest=DIGEST), component)
