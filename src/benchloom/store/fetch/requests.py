"""HTTP requests with limits: redirects, headers and bodies are bounded in number and time."""

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
    """The speed of one attempt, by the monotonic clock."""

    def __init__(self, options: FetchOptions) -> None:
        self.options = options
        self.begun = self.window = time.monotonic()
        self.bytes = 0

    def keep(self, count: int) -> None:
        """Count received bytes.

        Raises SourceError if the attempt is too slow or takes too long.
        """
        now = time.monotonic()
        self.bytes += count
        if now - self.begun > self.options.attempt:
            raise SourceError(f"the attempt took more than {self.options.attempt:g} s")
        if now - self.window >= self.options.window:
            if self.bytes < self.options.least_bytes:
                raise SourceError(f"too slow: {self.bytes} bytes received in {now - self.window:.0f} s")
            self.window, self.bytes = now, 0


@contextlib.contextmanager
def troubles_reported() -> Iterator[None]:
    """Convert exceptions of the HTTP library to SourceError."""
    import httpx2  # late, as above

    try:
        yield
    except httpx2.HTTPError as error:
        raise SourceError(f"{type(error).__name__}: {error}") from error
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise PermanentSourceError(f"not a valid URL: {error}") from error


def response_to(client: "httpx2.Client", request: "httpx2.Request", seconds: float) -> "httpx2.Response":
    """Send a request and follow redirects; the caller closes the response, whose body has not been read yet.

    Raises SourceError if the headers of one take more than ``seconds``.

    The library itself would read the whole bodies of redirects, and follow them from https to http.
    """
    for _ in range(limits.REDIRECTS + 1):
        with _shut_after(seconds, request):
            response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        response.close()
        if request.url.scheme == "https" and response.next_request.url.scheme != "https":
            raise PermanentSourceError("it redirects from https to unencrypted http")
        request = response.next_request
    raise PermanentSourceError(f"it redirects more than {limits.REDIRECTS} times")


@contextlib.contextmanager
def _shut_after(seconds: float, request: "httpx2.Request") -> Iterator[None]:
    """Close the connection of ``request`` after a time: the library limits each read, but not their number."""
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
            raise SourceError(f"the server did not send complete headers in {seconds:g} s") from error
        raise
    finally:
        timer.cancel()


def refuse_status(response: "httpx2.Response") -> None:
    """Raise SourceError for a status other than success; PermanentSourceError if a retry would not help."""
    status = response.status_code
    if not response.is_success:
        is_final = status < 500 and status not in _WORTH_ANOTHER_TRY
        kind = PermanentSourceError if is_final else SourceError
        raise kind(f"HTTP status {status}", wait=_seconds_asked_for(response.headers.get("retry-after", "")))


def _seconds_asked_for(text: str) -> float:
    """Return the seconds of a Retry-After header, which is a number or a date; 0 if it is invalid or in the past."""
    if text.isascii() and text.isdecimal():
        return float(text[:10])
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0
