"""Downloads over HTTP: resumed, retried, bounded in time and size."""

import contextlib
import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchloom.base import limits
from benchloom.base.talk import Talk
from benchloom.errors import FetchError
from benchloom.model.component import Fetch
from benchloom.store.fetch.checks import refuse_size
from benchloom.store.fetch.errors import PermanentSourceError, SourceError
from benchloom.store.fetch.names import file_name
from benchloom.store.fetch.options import FetchOptions
from benchloom.store.fetch.parts import forget, resumable, start_over
from benchloom.store.fetch.requests import Pace, refuse_status, response_to, troubles_reported

if TYPE_CHECKING:
    import ssl

    import httpx2


class Transport:
    """Downloads over HTTP with ``options``; raises KeyboardInterrupt once ``stop`` is set."""

    schemes = ("http", "https")
    is_local = False

    def __init__(self, options: FetchOptions, stop: threading.Event, talk: Talk) -> None:
        self.options, self.stop, self.talk = options, stop, talk

    def prepare(self) -> None:
        """Read the CA certificates.

        Raises OSError or ValueError if they are invalid.
        """
        _ = self._certificates

    def download(self, url: str, fetch: Fetch, part: Path) -> bool:
        """Download to ``part``; tell whether an earlier attempt was resumed."""
        last, wait = SourceError("no attempt was made"), 0.0
        with self._client() as client:
            for attempt in range(self.options.retries):
                if attempt and self.stop.wait(max(wait, self.options.backoff * 2 ** (attempt - 1))):
                    raise KeyboardInterrupt
                try:
                    with troubles_reported():
                        return self._attempt(client, url, fetch, part)
                except PermanentSourceError:
                    raise
                except SourceError as error:
                    last, wait = error, error.wait
                    if wait > self.options.patience:
                        raise PermanentSourceError(
                            f"{error}; it requests a retry after {wait:.0f} s, which is too long"
                        ) from error
        raise last

    @functools.cached_property
    def _certificates(self) -> "ssl.SSLContext":
        """The trusted CA certificates, read once for all downloads."""
        import httpx2  # late: only a download needs it

        return httpx2.create_ssl_context()

    def _client(self) -> "httpx2.Client":
        import httpx2  # late: only a download needs it

        try:
            # Each request has its own connection, so that it can be closed safely.
            own = httpx2.Limits(max_keepalive_connections=0)
            return httpx2.Client(timeout=self.options.timeout, limits=own, verify=self._certificates)
        except (ValueError, ImportError, httpx2.InvalidURL) as error:
            raise FetchError(
                "the proxy settings cannot be used",
                where="the variables http_proxy, https_proxy and all_proxy",
                why=[str(error)],
                fix="correct or unset them",
            ) from error
        except OSError as error:  # without a file name: ssl does not report it
            raise FetchError(
                "the CA certificates cannot be read",
                where="the variables SSL_CERT_FILE and SSL_CERT_DIR",
                why=[error.strerror or str(error)],
                fix="set them to a certificate file in PEM format, or unset them",
            ) from error

    def _attempt(self, client: "httpx2.Client", url: str, fetch: Fetch, part: Path) -> bool:
        tag, have = resumable(url, part)
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag}
        pace = Pace(self.options)
        with contextlib.closing(
            response_to(client, client.build_request("GET", url, headers=headers), self.options.window)
        ) as response:
            if response.status_code == 416 and have:
                return _is_whole(part, have, response.headers)
            refuse_status(response)
            is_resumed = have > 0 and response.status_code == 206
            if is_resumed and not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
                forget(part)
                raise SourceError("the server sent a different range than requested")
            have = have if is_resumed else 0
            total = _total(response.headers, have)
            refuse_size(total, fetch)
            if not is_resumed:
                start_over(part, url, _tag(response.headers))
            with self.talk.progress(file_name(fetch), total or fetch.size, "B") as bar, part.open("ab") as sink:
                bar.advance(have)
                for chunk in response.iter_raw():  # unbuffered: nothing is lost if the connection breaks
                    sink.write(chunk)
                    if self.stop.is_set():
                        raise KeyboardInterrupt
                    bar.advance(len(chunk))
                    have += len(chunk)
                    if have > (limits.DOWNLOAD_BYTES if fetch.size is None else fetch.size):
                        refuse_size(have, fetch)
                    pace.keep(len(chunk))
        if (expected := total or fetch.size) is not None and have < expected:
            raise SourceError(f"the server sent {have} of {expected} bytes")
        return is_resumed


def _tag(headers: Any) -> str:
    """Return the tag of this version of the file; weak tags do not guarantee equal bytes."""
    etag: str = headers.get("etag", "")
    modified: str = headers.get("last-modified", "")
    return modified if not etag or etag.startswith("W/") else etag


def _is_whole(part: Path, have: int, headers: Any) -> bool:
    """Tell whether the partial file is complete; if it is longer than the server's file, it is invalid."""
    if headers.get("content-range") != f"bytes */{have}":
        forget(part)
        raise SourceError("the partial file does not match")
    return True


def _total(headers: Any, have: int) -> int | None:
    length = headers.get("content-length", "")
    return have + int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None
