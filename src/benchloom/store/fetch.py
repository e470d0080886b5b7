"""Downloads: decide first, stream to a ``.part``, resume, try every source, check size and digest, keep by digest."""

import contextlib
import email.utils
import functools
import os
import shutil
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchloom.base import limits
from benchloom.base.atomic import fsync_folder, write_text
from benchloom.base.digest import of_bytes, of_file
from benchloom.base.file_kinds import no_content, no_model, seen
from benchloom.base.talk import Silent, Talk
from benchloom.errors import FetchError, InputError, IntegrityError, LoomError, OfflineError
from benchloom.model.component import Fetch
from benchloom.store.entries import disk_full_reported

if TYPE_CHECKING:
    import ssl

    import httpx2
    from filelock import FileLock

_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


@dataclass(frozen=True)
class FetchOptions:
    """``mirror`` is a folder or base URL that is asked first; ``timeout`` is in seconds without a byte.

    ``retries`` attempts are made per source, ``backoff`` seconds (then doubled) apart, or as far as a server asks for, up to
    ``patience``. An attempt ends if fewer than ``least_bytes`` come in ``window`` seconds, or after ``attempt`` seconds.
    ``is_mirror_preferred`` asks the mirror also for what is here already without a digest, and takes what it has.
    """

    offline: bool = False
    mirror: str = ""
    is_mirror_preferred: bool = False
    timeout: float = 30.0
    retries: int = 3
    backoff: float = 0.5
    patience: float = limits.RETRY_AFTER_SECONDS
    least_bytes: int = limits.LEAST_BYTES_PER_WINDOW
    window: float = limits.WINDOW_SECONDS
    attempt: float = limits.ATTEMPT_SECONDS


@dataclass(frozen=True)
class Download:
    """A file that was obtained and checked; ``source`` is where its bytes came from, without credentials."""

    path: Path
    digest: str
    size: int
    source: str
    reused: bool


class _WrongBytesError(Exception):
    """A source delivered bytes that are not the file."""


class _SourceError(Exception):
    """A source did not deliver. ``wait`` is how many seconds it asks for before the next attempt."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class _GivenUpError(_SourceError):
    """A source does not deliver, however often it is asked."""


class _UnusableError(_GivenUpError):
    """A source is no address that files can be fetched from."""


class Fetcher:
    """Obtains files into ``<root>/downloads``, one download per file across processes."""

    def __init__(self, root: Path, options: FetchOptions | None = None, talk: Talk | None = None) -> None:
        self.root = root
        self.folder = root / "downloads"
        self.options = options or FetchOptions()
        self.stop = threading.Event()  # set by whoever is interrupted: downloads in other threads end, resumable
        self.talk: Talk = talk or Silent()
        self._asked: set[str] = set()  # blobs that the preferred mirror was asked for

    def blob(self, fetch: Fetch) -> Path:
        """Where the file is kept: by its digest, or by its URL where none is known."""
        if fetch.digest:
            return self.folder / fetch.digest.replace(":", "-")
        return self.folder / f"unpinned-{of_bytes(fetch.url.encode()).partition(':')[2][:32]}"

    def missing(self, fetch: Fetch) -> bool:
        """Tell whether obtaining ``fetch`` would need the network. Opens no socket."""
        if fetch.path or fetch.url.startswith("file:") or self.blob(fetch).is_file():
            return False
        return not any(path.is_file() for path in self._mirror_files(fetch))

    def obtain(self, fetch: Fetch, component_folder: Path, *, is_model: bool = False) -> Download:
        """Return the file, from the component's folder, an earlier download, the mirror or its URLs, in that order.

        Without a digest, bytes that cannot be the file are not taken: an archive must open to its end, and what ``is_model``
        must look like one. Raises IntegrityError (a source delivered other bytes and none the right ones), OfflineError,
        FetchError (every source failed, each reason given), InstallError (the disk is full) or InputError (no source has a
        scheme of http, https and file).
        """
        if fetch.path:
            return self._local(fetch, component_folder)
        with self._one_download(fetch) as blob:
            return (
                self._from_preferred_mirror(fetch, blob, is_model=is_model)
                or self._kept(fetch, blob, is_model=is_model)
                or self._from_sources(fetch, blob, is_model=is_model)
            )

    def preferred(self, fetch: Fetch, *, is_model: bool = False) -> Download | None:
        """Return what the mirror that the user prefers has of a file without a digest; None if there is nothing to prefer."""
        if fetch.path or fetch.digest or not (self.options.mirror and self.options.is_mirror_preferred):
            return None
        with self._one_download(fetch) as blob:
            return self._from_preferred_mirror(fetch, blob, is_model=is_model)

    def forget(self, fetch: Fetch) -> None:
        """Remove what was kept of a file without a digest, since it turned out to be another one than was asked for."""
        if fetch.url and not fetch.digest:
            with self._one_download(fetch) as blob:
                blob.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _one_download(self, fetch: Fetch) -> Iterator[Path]:
        blob = self.blob(fetch)
        with disk_full_reported(self.root, file_name(fetch)), self._lock(fetch, blob):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                yield blob
            except OSError:  # the disk is full or worse: give back what the part took
                _forget(_part_of(blob))
                raise

    @contextlib.contextmanager
    def _lock(self, fetch: Fetch, blob: Path) -> Iterator[None]:
        from filelock import Timeout  # late, as below

        lock = download_lock(self.root, blob.name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.talk.note(f"waiting for another process that downloads {file_name(fetch)}")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _kept(self, fetch: Fetch, blob: Path, *, is_model: bool) -> Download | None:
        """Return an earlier download (or what the user placed there) if it is still the right file."""
        if not blob.is_file():
            return None
        try:
            digest = _check(blob, fetch, str(blob), is_model=is_model)
        except IntegrityError as error:
            self.talk.warn(f"{blob} is not what it should be and will be fetched again: {error.what}")
            blob.unlink()
            return None
        return Download(blob, digest, blob.stat().st_size, str(blob), reused=True)

    def _local(self, fetch: Fetch, folder: Path) -> Download:
        path = (folder / fetch.path).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise InputError(f"{fetch.path} leads outside the component", where=str(folder))
        if not path.is_file():
            raise FetchError(f"{fetch.path} is not in the component's folder", where=str(folder))
        digest = _digest(path, fetch, str(path))
        return Download(path, digest, path.stat().st_size, str(path), reused=True)

    def _from_preferred_mirror(self, fetch: Fetch, blob: Path, *, is_model: bool) -> Download | None:
        """Return the mirror's file where nobody states a digest and the user asks for the mirror's; it is asked once."""
        if fetch.digest or not self.options.is_mirror_preferred or blob.name in self._asked:
            return None
        self._asked.add(blob.name)
        for source in self._mirror_sources(fetch):
            try:
                return self._from_source(source, fetch, blob, is_model=is_model)
            except _WrongBytesError as error:
                self.talk.warn(f"{redacted(source)}: {error}")
            except _SourceError:  # it has no such file
                continue
        return None

    def _from_sources(self, fetch: Fetch, blob: Path, *, is_model: bool) -> Download:
        failed: dict[str, Exception] = {}
        for source in self._sources(fetch):
            try:
                return self._from_source(source, fetch, blob, is_model=is_model)
            except (_WrongBytesError, _SourceError) as error:
                failed[source] = error
        raise self._failure(fetch, blob, failed)

    def _failure(self, fetch: Fetch, blob: Path, failed: Mapping[str, Exception]) -> LoomError:
        name, where = file_name(fetch), redacted(fetch.url)
        reasons = [f"{redacted(source)}: {error}" for source, error in failed.items()]
        if failed and all(isinstance(error, _UnusableError) for error in failed.values()):
            fix = "correct the URL in the component"
            return InputError(f"{name} has no http, https or file URL", where=where, why=reasons, fix=fix)
        if any(isinstance(error, _WrongBytesError) for error in failed.values()):
            what = "the bytes that the component states" if fetch.digest or fetch.size is not None else "such a file"
            fix = (
                "if upstream re-released the file, review it and update the digest in the component"
                if fetch.digest
                else "name another URL in the component, or a folder that has the file with --mirror"
            )
            return IntegrityError(f"{name}: no source delivered {what}", where=where, why=reasons, fix=fix)
        if self.options.offline:
            fix = f"place the file at {blob}, give a --mirror folder, or run without --offline"
            return OfflineError(
                f"{name} ({fetch.digest or 'unpinned'}) is missing and --offline forbids fetching it",
                where=where,
                why=reasons,
                fix=fix,
            )
        return FetchError(
            f"{name} could not be fetched",
            where=where,
            why=reasons,
            fix=f"try again later, or place the file at {blob}",
        )

    def _sources(self, fetch: Fetch) -> Iterator[str]:
        yield from self._mirror_sources(fetch)
        for url in (fetch.url, *fetch.mirrors):
            if url.startswith("file:") or not self.options.offline:
                yield url

    def _mirror_sources(self, fetch: Fetch) -> Iterator[str]:
        yield from (path.as_uri() for path in self._mirror_files(fetch) if path.is_file())
        if self.options.mirror.startswith(("http://", "https://")) and not self.options.offline:
            yield from (f"{self.options.mirror.rstrip('/')}/{urllib.parse.quote(place)}" for place in _places(fetch))

    def _mirror_files(self, fetch: Fetch) -> list[Path]:
        mirror = self.options.mirror
        if not mirror or mirror.startswith(("http://", "https://")):
            return []
        root = Path(mirror).expanduser().resolve()
        places = (Path(os.path.normpath(root / place)) for place in _places(fetch))
        return [path for path in places if path.is_relative_to(root)]

    def _from_source(self, source: str, fetch: Fetch, blob: Path, *, is_model: bool, again: bool = True) -> Download:
        scheme = _split(source).scheme
        part = _part_of(blob)
        is_resumed = False
        if scheme == "file":
            _copy(source, part)
        elif scheme in {"http", "https"}:
            is_resumed = self._stream(source, fetch, part)
        else:
            raise _UnusableError("it is not an http, https or file URL")
        try:
            digest = _check(part, fetch, source, is_model=is_model)
        except IntegrityError as error:
            what = "; ".join([error.what, *(error.why or seen(str(part)))])
            _forget(part)
            if is_resumed and again:  # what was resumed may be at fault, not the source
                return self._from_source(source, fetch, blob, is_model=is_model, again=False)
            raise _WrongBytesError(what) from error
        size = part.stat().st_size
        _publish(part, blob)
        if not fetch.digest:
            self.talk.note(f"{file_name(fetch)} is not pinned; it was {digest}: put that into the component to pin it")
        return Download(blob, digest, size, redacted(source), reused=False)

    def _stream(self, url: str, fetch: Fetch, part: Path) -> bool:
        """Download into ``part``; tell whether its beginning is from an earlier attempt."""
        last, wait = _SourceError("no attempt was made"), 0.0
        with self._client() as client:
            for attempt in range(self.options.retries):
                if attempt and self.stop.wait(max(wait, self.options.backoff * 2 ** (attempt - 1))):
                    raise KeyboardInterrupt
                try:
                    with _troubles_told():
                        return self._attempt(client, url, fetch, part)
                except _GivenUpError:
                    raise
                except _SourceError as error:
                    last, wait = error, error.wait
                    if wait > self.options.patience:
                        raise _GivenUpError(
                            f"{error}; it asks to be asked again in {wait:.0f} s, which is too long"
                        ) from error
        raise last

    @functools.cached_property
    def _certificates(self) -> "ssl.SSLContext":
        """The authorities that are trusted, read once for all downloads."""
        import httpx2  # late: only a download needs it

        return httpx2.create_ssl_context()

    def _client(self) -> "httpx2.Client":
        import httpx2  # late: only a download needs it

        try:
            # Each request has a connection of its own, so that it can be shut without harm.
            own = httpx2.Limits(max_keepalive_connections=0)
            return httpx2.Client(timeout=self.options.timeout, limits=own, verify=self._certificates)
        except (ValueError, ImportError, httpx2.InvalidURL) as error:
            raise FetchError(
                "the proxy settings cannot be used",
                where="the variables http_proxy, https_proxy and all_proxy",
                why=[str(error)],
                fix="correct or unset them",
            ) from error
        except OSError as error:  # without the name of a file: ssl does not say which
            raise FetchError(
                "the certificates of authorities cannot be read",
                where="the variables SSL_CERT_FILE and SSL_CERT_DIR",
                why=[error.strerror or str(error)],
                fix="name a file of certificates in PEM format, or unset them",
            ) from error

    def _attempt(self, client: "httpx2.Client", url: str, fetch: Fetch, part: Path) -> bool:
        headers, have = _resume_headers(url, part)
        pace = _Pace(self.options)
        with contextlib.closing(
            _answer(client, client.build_request("GET", url, headers=headers), self.options.window)
        ) as response:
            if response.status_code == 416 and have:
                return _is_whole(part, have, response.headers)
            _refuse_status(response)
            is_resumed = have > 0 and response.status_code == 206
            if is_resumed and not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
                _forget(part)
                raise _SourceError("the server sent another range than was asked for")
            have = have if is_resumed else 0
            total = _total(response.headers, have)
            _refuse_size(total, fetch)
            if not is_resumed:
                _start_over(part, url, response.headers)
            with self.talk.progress(file_name(fetch), total or fetch.size, "B") as bar, part.open("ab") as sink:
                bar.advance(have)
                for chunk in response.iter_raw():  # as it comes: a line that breaks loses nothing
                    sink.write(chunk)
                    if self.stop.is_set():
                        raise KeyboardInterrupt
                    bar.advance(len(chunk))
                    have += len(chunk)
                    if have > (limits.DOWNLOAD_BYTES if fetch.size is None else fetch.size):
                        _refuse_size(have, fetch)
                    pace.keep(len(chunk))
        if (expected := total or fetch.size) is not None and have < expected:
            raise _SourceError(f"the server sent {have} of {expected} bytes")
        return is_resumed


class _Pace:
    """How fast one attempt goes on. Time is that of the monotonic clock, which no change of the date moves."""

    def __init__(self, options: FetchOptions) -> None:
        self.options = options
        self.begun = self.window = time.monotonic()
        self.bytes = 0

    def keep(self, count: int) -> None:
        """Count bytes that came. Raises _SourceError if the attempt has become too slow, or too long."""
        now = time.monotonic()
        self.bytes += count
        if now - self.begun > self.options.attempt:
            raise _SourceError(f"the attempt took more than {self.options.attempt:g} s")
        if now - self.window >= self.options.window:
            if self.bytes < self.options.least_bytes:
                raise _SourceError(f"too slow: {self.bytes} bytes came in {now - self.window:.0f} s")
            self.window, self.bytes = now, 0


@contextlib.contextmanager
def _troubles_told() -> Iterator[None]:
    """Turn what the HTTP library raises into _SourceError."""
    import httpx2  # late, as above

    try:
        yield
    except httpx2.HTTPError as error:
        raise _SourceError(f"{type(error).__name__}: {error}") from error
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise _GivenUpError(f"not a valid URL: {error}") from error


def _answer(client: "httpx2.Client", request: "httpx2.Request", seconds: float) -> "httpx2.Response":
    """Send a request and those it is redirected to; the caller closes the answer, whose body is not read yet.

    Raises _SourceError if the headers of one take more than ``seconds``.

    The library would read the bodies of redirections whole, and follow them from https to http.
    """
    for _ in range(limits.REDIRECTS + 1):
        with _shut_after(seconds, request):
            response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        response.close()
        if request.url.scheme == "https" and response.next_request.url.scheme != "https":
            raise _GivenUpError("it redirects from https to http, where anybody on the way can change the file")
        request = response.next_request
    raise _GivenUpError(f"it redirects more than {limits.REDIRECTS} times")


@contextlib.contextmanager
def _shut_after(seconds: float, request: "httpx2.Request") -> Iterator[None]:
    """Shut the connection of ``request`` after a time. The library bounds each of its reads, however many there are."""
    sockets: list[socket.socket] = []
    late = threading.Event()

    def note(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            sockets.append(info["return_value"].get_extra_info("socket"))

    def shut() -> None:
        late.set()
        for item in sockets[-1:]:
            with contextlib.suppress(OSError):
                item.shutdown(socket.SHUT_RDWR)

    request.extensions = {**request.extensions, "trace": note}
    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if late.is_set():
            raise _SourceError(f"the server sent no whole headers in {seconds:g} s") from error
        raise
    finally:
        timer.cancel()


def _refuse_status(response: "httpx2.Response") -> None:
    status = response.status_code
    if not response.is_success:
        is_final = status < 500 and status not in _WORTH_ANOTHER_TRY
        kind = _GivenUpError if is_final else _SourceError
        raise kind(f"HTTP status {status}", wait=_seconds_asked_for(response.headers.get("retry-after", "")))


def _seconds_asked_for(text: str) -> float:
    """Return the seconds of a header Retry-After, which is a number or a date; 0 if it is neither, or over."""
    if text.isascii() and text.isdecimal():
        return float(text[:10])
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0


def download_lock(root: Path, name: str) -> "FileLock":
    """Return the lock that guards the blob ``name``, its partial and their sidecar."""
    from filelock import FileLock  # late: most runs find everything in the store

    folder = root / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"download-{name}.lock")


def _part_of(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.part")


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _resume_headers(url: str, part: Path) -> tuple[dict[str, str], int]:
    """Return the headers of a request, and how many bytes of the file are here from the same URL and version of it."""
    headers = {"Accept-Encoding": "identity"}
    tag_file = _tag_file(part)
    if not (part.is_file() and tag_file.is_file()):
        return headers, 0
    known, _, tag = tag_file.read_text(encoding="utf-8", errors="replace").partition("\n")
    have = part.stat().st_size
    if known != of_bytes(url.encode()) or not tag or not have:
        return headers, 0
    return {**headers, "Range": f"bytes={have}-", "If-Range": tag}, have


def _start_over(part: Path, url: str, headers: Any) -> None:
    """Remove the old part before its new tag is written, so that the two never contradict each other.

    The tag holds the URL's digest, since a URL may hold credentials. Weak tags do not promise equal bytes.
    """
    _forget(part)
    etag = headers.get("etag", "")
    tag = headers.get("last-modified", "") if not etag or etag.startswith("W/") else etag
    write_text(_tag_file(part), f"{of_bytes(url.encode())}\n{tag}")


def _is_whole(part: Path, have: int, headers: Any) -> bool:
    """Nothing follows what is here already: it is the whole file, or the file became shorter."""
    if headers.get("content-range") != f"bytes */{have}":
        _forget(part)
        raise _SourceError("what was here did not fit")
    return True


def _total(headers: Any, have: int) -> int | None:
    length = headers.get("content-length", "")
    return have + int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None


def _refuse_size(size: int | None, fetch: Fetch) -> None:
    if size is not None and fetch.size is None and size > limits.DOWNLOAD_BYTES:
        raise _WrongBytesError(f"{file_name(fetch)} has {size} bytes or more, and {limits.DOWNLOAD_BYTES} are the most")
    if size is not None and fetch.size is not None and size != fetch.size:
        raise _WrongBytesError(f"{file_name(fetch)} has {size} bytes or more, the component states {fetch.size}")


def _copy(source: str, part: Path) -> None:
    path = Path(urllib.parse.unquote(_split(source).path))
    _forget(part)
    if not path.is_file():
        raise _SourceError(f"there is no file {path}")
    try:
        shutil.copyfile(path, part)
    except PermissionError as error:
        raise _SourceError(f"{error.strerror}: {path}") from error


def _check(path: Path, fetch: Fetch, source: str, *, is_model: bool) -> str:
    """Return the digest of a file. Raises IntegrityError if it is another file than stated, or cannot be the one asked for."""
    if not fetch.digest and (why := _implausible(path, fetch, is_model=is_model)):
        raise IntegrityError(f"{file_name(fetch)} is not what was asked for", where=redacted(source), why=why)
    return _digest(path, fetch, source)


def _implausible(path: Path, fetch: Fetch, *, is_model: bool) -> list[str]:
    """Return why a file whose digest nobody states cannot be the one asked for."""
    if fetch.archive:
        from benchloom.store.archive import check  # late: most runs find everything in the store

        try:
            check(path, fetch.archive)
        except IntegrityError as error:
            return [*seen(str(path)), f"it is not a sound {fetch.archive} archive", *error.why]
        return []
    return no_model(str(path)) if is_model else no_content(str(path), file_name(fetch))


def _digest(path: Path, fetch: Fetch, source: str) -> str:
    size = path.stat().st_size
    if fetch.size is not None and size != fetch.size:
        raise IntegrityError(
            f"{file_name(fetch)} has {size} bytes, the component states {fetch.size}", where=redacted(source)
        )
    digest = of_file(path, fetch.digest.partition(":")[0] if fetch.digest else "sha256")
    if fetch.digest and digest != fetch.digest:
        raise IntegrityError(
            f"{file_name(fetch)} is {digest}, the component states {fetch.digest}", where=redacted(source)
        )
    return digest


def _publish(part: Path, blob: Path) -> None:
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(part, blob)
    _tag_file(part).unlink(missing_ok=True)
    fsync_folder(blob.parent)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def file_name(fetch: Fetch) -> str:
    """Return the name of a downloaded file: the one stated, else the last part of its URL or path, with ``%20`` and the like decoded."""
    return Path(fetch.filename or urllib.parse.unquote(_split(fetch.url).path) or fetch.path).name or "download"


def _split(url: str) -> urllib.parse.SplitResult:
    try:
        return urllib.parse.urlsplit(url)
    except ValueError:
        return urllib.parse.SplitResult("", "", "", "", "")


def redacted(url: str) -> str:
    """Return ``url`` without credentials: no user information, query or fragment."""
    parts = _split(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "..." if parts.query else "", ""))


def _places(fetch: Fetch) -> list[str]:
    """Return where a mirror may have a file, relative to it, the surest first: by digest, by the address it came from, by its name.

    Files of one name lie side by side in the first two; the second is what ``wget --force-directories`` writes.
    """
    name = file_name(fetch)
    by_digest = [f"{fetch.digest.replace(':', '/')}/{name}"] if fetch.digest else []
    address = _split(fetch.url)
    by_address = [f"{address.hostname}{urllib.parse.unquote(address.path)}"] if address.hostname else []
    return [*by_digest, *by_address, name]
