"""Requests over HTTP that end: redirections, headers and bodies are bounded in number and time."""

import contextlib
import email.utils
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from benchloom.base import limits
from benchloom.store.fetch.errors import PermanentSourceError, SourceError
from benchloom.store.fetch.options import FetchOptions

if TYPE_CHECKING:
    import httpx2

_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


class Pace:
    """How fast one attempt goes on. Time is that of the monotonic clock, which no change of the date moves."""

    def __init__(self, options: FetchOptions) -> None:
        self.options = options
        self.begun = self.window = time.monotonic()
        self.bytes = 0

    def keep(self, count: int) -> None:
        """Count bytes that came. Raises SourceError if the attempt has become too slow, or too long."""
        now = time.monotonic()
        self.bytes += count
        if now - self.begun > self.options.attempt:
            raise SourceError(f"the attempt took more than {self.options.attempt:g} s")
        if now - self.window >= self.options.window:
            if self.bytes < self.options.least_bytes:
                raise SourceError(f"too slow: {self.bytes} bytes came in {now - self.window:.0f} s")
            self.window, self.bytes = now, 0


@contextlib.contextmanager
def troubles_reported() -> Iterator[None]:
    """Turn what the HTTP library raises into SourceError."""
    import httpx2  # late, as above

    try:
        yield
    except httpx2.HTTPError as error:
        raise SourceError(f"{type(error).__name__}: {error}") from error
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise PermanentSourceError(f"not a valid URL: {error}") from error


def response_to(client: "httpx2.Client", request: "httpx2.Request", seconds: float) -> "httpx2.Response":
    """Send a request and those it is redirected to; the caller closes the answer, whose body is not read yet.

    Raises SourceError if the headers of one take more than ``seconds``.

    The library would read the bodies of redirections whole, and follow them from https to http.
    """
    for _ in range(limits.REDIRECTS + 1):
        with _shut_after(seconds, request):
            response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        response.close()
        if request.url.scheme == "https" and response.next_request.url.scheme != "https":
            raise PermanentSourceError("it redirects from https to http, where anybody on the way can change the file")
        request = response.next_request
    raise PermanentSourceError(f"it redirects more than {limits.REDIRECTS} times")


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
            raise SourceError(f"the server sent no whole headers in {seconds:g} s") from error
        raise
    finally:
        timer.cancel()


def refuse_status(response: "httpx2.Response") -> None:
    """Raise SourceError for a status that is no success; PermanentSourceError for one that another try would not change."""
    status = response.status_code
    if not response.is_success:
        is_final = status < 500 and status not in _WORTH_ANOTHER_TRY
        kind = PermanentSourceError if is_final else SourceError
        raise kind(f"HTTP status {status}", wait=_seconds_asked_for(response.headers.get("retry-after", "")))


def _seconds_asked_for(text: str) -> float:
    """Return the seconds of a header Retry-After, which is a number or a date; 0 if it is neither, or over."""
    if text.isascii() and text.isdecimal():
        return float(text[:10])
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0
