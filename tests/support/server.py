"""A real HTTP file server on 127.0.0.1 that can misbehave on purpose, for tests of downloads."""

import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass
class Request:
    """One request as it arrived: path without query, and headers with lower-case names."""

    path: str
    headers: dict[str, str]


@dataclass
class Behaviour:
    """How the server treats one path. ``*_times`` count down; None means always. ``drip`` is in seconds per byte."""

    truncate_after: int = -1
    truncate_times: int | None = 0
    status: int = 0
    status_times: int | None = 0
    delay: float = 0.0
    redirect: str = ""
    retry_after: str = ""
    drip: float = 0.0
    drip_headers: float = 0.0
    ignore_range: bool = False
    wrong_bytes: bool = False
    etag: str = ""
    no_length: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> bool:
        """Tell whether ``name`` (``truncate`` or ``status``) applies to this request, and count it."""
        with self.lock:
            left: int | None = getattr(self, f"{name}_times")
            if left is None:
                return True
            setattr(self, f"{name}_times", max(0, left - 1))
            return left > 0


class FileServer:
    """Serve ``folder`` until the ``with`` block ends; ``requests`` counts by path, ``log`` keeps the headers.

    With a ``certificate`` (a PEM file that holds the key, too) it speaks TLS.

    ``behave("name", truncate_after=10, truncate_times=1)`` and so on change one path; see Behaviour.
    """

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        self.scheme = "https" if certificate else "http"
        self.folder = folder
        self.requests: Counter[str] = Counter()
        self.log: list[Request] = []
        self.lock = threading.Lock()
        self.behaviours: dict[str, Behaviour] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler, bind_and_activate=True)
        self._server.files = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "Self":
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and close the socket."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def base(self) -> str:
        """Return the base URL without a slash at its end."""
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def url(self, name: str) -> str:
        """Return the URL of the file ``name``."""
        return f"{self.base}/{name}"

    def behave(self, name: str, **changes: object) -> Behaviour:
        """Change how ``name`` is served."""
        behaviour = self.behaviours.setdefault("/" + name, Behaviour())
        for key, value in changes.items():
            if not hasattr(behaviour, key):
                raise TypeError(f"no behaviour {key!r}")
            setattr(behaviour, key, value)
        return behaviour

    def truncate(self, name: str, after: int, times: int | None = 1) -> None:
        """Send only ``after`` bytes of the body, then drop the connection; ``times=None`` always."""
        self.behave(name, truncate_after=after, truncate_times=times)

    def fail(self, name: str, status: int, times: int | None = 1) -> None:
        """Answer with ``status``."""
        self.behave(name, status=status, status_times=times)

    def seen(self, name: str) -> list[Request]:
        """Return the requests for ``name``, oldest first."""
        with self.lock:
            return [request for request in self.log if request.path == "/" + name]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    files: FileServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet when a client goes away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        files = self.server.files
        path = unquote(urlsplit(self.path).path)
        with files.lock:
            files.requests[path] += 1
            files.log.append(Request(path, {key.lower(): value for key, value in self.headers.items()}))
        behaviour = files.behaviours.get(path, Behaviour())
        if behaviour.delay:
            time.sleep(behaviour.delay)
        while behaviour.drip_headers:
            self.wfile.write(b"H")
            time.sleep(behaviour.drip_headers)
        if behaviour.take("status"):
            self._plain(behaviour.status, {"Retry-After": behaviour.retry_after} if behaviour.retry_after else None)
            return
        if behaviour.redirect:
            self._plain(302, {"Location": behaviour.redirect})
            return
        target = (files.folder / path.lstrip("/")).resolve()
        if not target.is_relative_to(files.folder.resolve()) or not target.is_file():
            self._plain(404)
            return
        self._send(target.read_bytes(), behaviour, body)

    def _plain(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes, behaviour: Behaviour, body: bool) -> None:
        if behaviour.wrong_bytes:
            data = bytes(byte ^ 0xFF for byte in data)
        etag = behaviour.etag or f'"{sha256(data).hexdigest()[:16]}"'
        start = self._start(len(data), etag, behaviour)
        if start < 0:
            self._plain(416, {"Content-Range": f"bytes */{len(data)}"})
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", formatdate(0, usegmt=True))
        self.send_header("Accept-Ranges", "none" if behaviour.ignore_range else "bytes")
        if behaviour.no_length:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            self._body(data[start:], behaviour)

    def _body(self, data: bytes, behaviour: Behaviour) -> None:
        if behaviour.truncate_after >= 0 and behaviour.take("truncate"):
            data = data[: behaviour.truncate_after]
            self.close_connection = True
        if behaviour.no_length:
            self.close_connection = True
        for place in range(len(data)) if behaviour.drip else ():
            self.wfile.write(data[place : place + 1])
            self.wfile.flush()
            time.sleep(behaviour.drip)
        self.wfile.write(b"" if behaviour.drip else data)
        self.wfile.flush()

    def _start(self, size: int, etag: str, behaviour: Behaviour) -> int:
        """Return where the body starts: 0 for all of it, -1 for a range past the end."""
        asked = self.headers.get("Range", "")
        if behaviour.ignore_range or not asked.startswith("bytes=") or not asked.endswith("-"):
            return 0
        if self.headers.get("If-Range", etag) != etag:
            return 0
        start = int(asked[len("bytes=") : -1])
        return start if start < size else -1
