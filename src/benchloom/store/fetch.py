"""Downloads: decide first, stream to a ``.part``, resume, try every source, check size and digest, keep by digest."""

import os
import shutil
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from benchloom.base.atomic import fsync_folder, write_text
from benchloom.base.digest import of_bytes, of_file
from benchloom.base.talk import Silent, Talk
from benchloom.errors import FetchError, InputError, IntegrityError, LoomError, OfflineError
from benchloom.model.component import Fetch
from benchloom.store.entries import disk_full

if TYPE_CHECKING:
    import httpx2

_CHUNK = 1 << 18


@dataclass(frozen=True)
class FetchOptions:
    """``mirror`` is a folder or base URL that is asked first; ``timeout`` is in seconds without a byte."""

    offline: bool = False
    mirror: str = ""
    timeout: float = 30.0
    retries: int = 3
    backoff: float = 0.5


@dataclass(frozen=True)
class Download:
    """A file that was obtained and checked; ``source`` is where its bytes came from."""

    path: Path
    digest: str
    size: int
    source: str
    reused: bool


class _WrongBytesError(Exception):
    """A source delivered bytes that are not the file."""


class _SourceError(Exception):
    """A source did not deliver."""


class Fetcher:
    """Obtains files into ``<root>/downloads``, one download per file across processes."""

    def __init__(self, root: Path, options: FetchOptions | None = None, talk: Talk | None = None) -> None:
        self.root = root
        self.folder = root / "downloads"
        self.options = options or FetchOptions()
        self.talk: Talk = talk or Silent()

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

    def obtain(self, fetch: Fetch, component_folder: Path) -> Download:
        """Return the file, from the component's folder, an earlier download, the mirror or its URLs, in that order.

        Raises IntegrityError (a source delivered other bytes and none the right ones), OfflineError, FetchError (every
        source failed, each reason given) or InputError (a scheme other than http, https and file).
        """
        if fetch.path:
            return self._local(fetch, component_folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        blob = self.blob(fetch)
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(str(locks / f"download-{blob.name}.lock")):
            if blob.is_file():
                return Download(blob, fetch.digest or of_file(blob), blob.stat().st_size, str(blob), reused=True)
            return self._from_sources(fetch, blob)

    def _local(self, fetch: Fetch, folder: Path) -> Download:
        path = (folder / fetch.path).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise InputError(f"{fetch.path} leads outside the component", where=str(folder))
        if not path.is_file():
            raise FetchError(f"{fetch.path} is not in the component's folder", where=str(folder))
        digest = _check(path, fetch, str(path))
        return Download(path, digest, path.stat().st_size, str(path), reused=True)

    def _from_sources(self, fetch: Fetch, blob: Path) -> Download:
        reasons: list[str] = []
        is_wrong = False
        for source in self._sources(fetch):
            try:
                return self._from_source(source, fetch, blob)
            except _WrongBytesError as error:
                is_wrong = True
                reasons.append(f"{redacted(source)}: {error}")
            except _SourceError as error:
                reasons.append(f"{redacted(source)}: {error}")
        raise self._failure(fetch, blob, reasons, is_wrong)

    def _failure(self, fetch: Fetch, blob: Path, reasons: list[str], is_wrong: bool) -> LoomError:
        name, where = _name(fetch), redacted(fetch.url)
        if is_wrong:
            fix = "if upstream re-released the file, review it and update the digest in the component"
            return IntegrityError(
                f"{name}: no source delivered the bytes that the component states", where=where, why=reasons, fix=fix
            )
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
        yield from (path.as_uri() for path in self._mirror_files(fetch) if path.is_file())
        if self.options.mirror.startswith(("http://", "https://")) and not self.options.offline:
            algorithm, _, value = fetch.digest.partition(":")
            yield f"{self.options.mirror.rstrip('/')}/{algorithm}/{value}/{_name(fetch)}"
        for url in (fetch.url, *fetch.mirrors):
            if url.startswith("file:") or not self.options.offline:
                yield url

    def _mirror_files(self, fetch: Fetch) -> list[Path]:
        mirror = self.options.mirror
        if not mirror or mirror.startswith(("http://", "https://")):
            return []
        algorithm, _, value = fetch.digest.partition(":")
        root = Path(mirror).expanduser().resolve()
        return [root / algorithm / value / _name(fetch), root / _name(fetch)]

    def _from_source(self, source: str, fetch: Fetch, blob: Path) -> Download:
        scheme = urllib.parse.urlsplit(source).scheme
        part = blob.with_name(f"{blob.name}.part")
        if scheme == "file":
            _copy(source, part)
        elif scheme in {"http", "https"}:
            self._stream(source, fetch, part)
        else:
            raise InputError(f"{redacted(source)} is not an http, https or file URL")
        try:
            digest = _check(part, fetch, source)
        except IntegrityError as error:
            _forget(part)
            raise _WrongBytesError("; ".join([error.what, *error.why])) from error
        size = part.stat().st_size
        _publish(part, blob)
        if not fetch.digest:
            self.talk.note(f"{_name(fetch)} is not pinned; it was {digest}: put that into the component to pin it")
        return Download(blob, digest, size, source, reused=False)

    def _stream(self, url: str, fetch: Fetch, part: Path) -> None:
        import httpx2  # late: only a download needs it

        last = "no attempt was made"
        with httpx2.Client(follow_redirects=True, timeout=self.options.timeout) as client:
            for attempt in range(self.options.retries):
                if attempt:
                    time.sleep(self.options.backoff * 2 ** (attempt - 1))
                try:
                    return self._attempt(client, url, fetch, part)
                except httpx2.HTTPStatusError as error:
                    last = f"HTTP status {error.response.status_code}"
                    if error.response.status_code < 500:
                        break
                except httpx2.HTTPError as error:
                    last = f"{type(error).__name__}: {error}"
                except _SourceError as error:
                    last = str(error)
        raise _SourceError(last)

    def _attempt(self, client: "httpx2.Client", url: str, fetch: Fetch, part: Path) -> None:
        tag_file = part.with_name(f"{part.name}.tag")
        headers, have = _resume_headers(url, part, tag_file)
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code == 416:
                _forget(part)
                raise _SourceError("the part did not fit; starting over")
            response.raise_for_status()
            is_resumed = response.status_code == 206
            have = have if is_resumed else 0
            tag = response.headers.get("etag") or response.headers.get("last-modified") or ""
            write_text(tag_file, f"{url}\n{tag}")
            total = _total(response.headers, have, fetch)
            with self.talk.progress(_name(fetch), total, "B") as bar, _writing(part, is_resumed) as sink:
                bar.advance(have)
                for chunk in response.iter_raw(_CHUNK):
                    sink.write(chunk)
                    bar.advance(len(chunk))
        got = part.stat().st_size
        if total is not None and got < total:
            raise _SourceError(f"the server sent {got} of {total} bytes")


def _resume_headers(url: str, part: Path, tag_file: Path) -> tuple[dict[str, str], int]:
    headers = {"Accept-Encoding": "identity"}
    if not (part.is_file() and tag_file.is_file()):
        return headers, 0
    known, _, tag = tag_file.read_text().partition("\n")
    have = part.stat().st_size
    if known != url or not tag or not have:
        return headers, 0
    return {**headers, "Range": f"bytes={have}-", "If-Range": tag}, have


def _total(headers: Any, have: int, fetch: Fetch) -> int | None:
    length = headers.get("content-length")
    return have + int(length) if length and length.isdigit() else fetch.size


@contextmanager
def _writing(part: Path, is_resumed: bool) -> Iterator[Any]:
    try:
        with part.open("ab" if is_resumed else "wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            _forget(part)
            raise disk_full(part.parent, "the download") from error
        raise


def _copy(source: str, part: Path) -> None:
    path = Path(urllib.parse.unquote(urllib.parse.urlsplit(source).path))
    try:
        shutil.copyfile(path, part)
    except OSError as error:
        raise _SourceError(f"{error.strerror}: {path}") from error


def _check(path: Path, fetch: Fetch, source: str) -> str:
    size = path.stat().st_size
    if fetch.size is not None and size != fetch.size:
        raise IntegrityError(
            f"{_name(fetch)} has {size} bytes, the component states {fetch.size}", where=redacted(source)
        )
    digest = of_file(path, fetch.digest.partition(":")[0] if fetch.digest else "sha256")
    if fetch.digest and digest != fetch.digest:
        raise IntegrityError(f"{_name(fetch)} is {digest}, the component states {fetch.digest}", where=redacted(source))
    return digest


def _publish(part: Path, blob: Path) -> None:
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(part, blob)
    part.with_name(f"{part.name}.tag").unlink(missing_ok=True)
    fsync_folder(blob.parent)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.tag").unlink(missing_ok=True)


def _name(fetch: Fetch) -> str:
    return fetch.filename or Path(urllib.parse.unquote(urllib.parse.urlsplit(fetch.url).path) or fetch.path).name


def redacted(url: str) -> str:
    """Return ``url`` without credentials: no user information and no query."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "..." if parts.query else "", ""))
