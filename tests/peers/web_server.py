"""An HTTP server that remembers what it was asked and answers in every way that a client must bear."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """A running server."""

    host: str
    port: int
    asked: list[Asked] = field(default_factory=list)
    #: Addresses of the clients' ends, one to a connection.
    connections: set[Any] = field(default_factory=set)
    #: Answers by path before all others: status, headers, body.
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    #: One for each connection that ``/closes`` has closed.
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def running(host: str = "127.0.0.1", *, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Serve on ``host`` while the context lasts.

    ``/redirect?to=&code=`` redirects, ``/gzip`` packs, ``/bomb`` packs 60 MB of zeros, ``/endless`` never ends,
    ``/silent`` never answers, ``/closes`` answers and then closes a connection that it promised to keep,
    ``/breaks`` closes without an answer; all else answers what it was asked.
    """
    server = _Server((host, port), _Handler)
    server.daemon_threads = True
    web = Web(host, server.server_port)
    server.web = web  # type: ignore[attr-defined]
    server.over = threading.Event()  # type: ignore[attr-defined]
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.over.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave early: some tests do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        web: Web = self.server.web  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        web.asked.append(Asked(self.command, self.path, headers, body))
        web.connections.add(self.client_address)
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path in web.answers:
            self._send(*web.answers[parts.path])
        elif special := getattr(self, f"_{parts.path.strip('/')}", None):
            special(query)
        else:
            told = {"method": self.command, "path": self.path, "headers": headers, "body": body.decode("latin-1")}
            self._send(200, {"content-type": "application/json"}, json.dumps(told).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer

    def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, query: dict[str, str]) -> None:
        self._send(int(query.get("code", "302")), {"location": query["to"]})

    def _gzip(self, query: dict[str, str]) -> None:
        self._send(200, {"content-encoding": "gzip"}, gzip.compress(b"one ") + gzip.compress(b"two"))

    def _bomb(self, query: dict[str, str]) -> None:
        self._send(200, {"content-encoding": "gzip"}, gzip.compress(bytes(60_000_000), 9))

    def _endless(self, query: dict[str, str]) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while not self.server.over.is_set():  # type: ignore[attr-defined]
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def _silent(self, query: dict[str, str]) -> None:
        self.server.over.wait()  # type: ignore[attr-defined]
        self.close_connection = True

    def _closes(self, query: dict[str, str]) -> None:
        self._send(200, {"connection": "keep-alive"}, b"here")
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
        self.server.web.closed.release()  # type: ignore[attr-defined]

    def _breaks(self, query: dict[str, str]) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        pass
