"""Sockets, and how an answer goes over one: whole, in pieces, or broken off."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any


class Sockets(ThreadingMixIn, TCPServer):
    """One thread a connection; all of them end with the server."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, port: int, handler: type[Connection]) -> None:
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        with self._lock:
            if self.stopping.is_set():
                return
            self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of faults, but not of clients that went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Take no more connections and end those that are open."""
        with self._lock:
            self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Connection(BaseHTTPRequestHandler):
    """Ways to answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Sockets
    #: Sent with every answer.
    request_id = ""

    def send_whole(
        self, status: int, content: bytes, *, kind: str, headers: Mapping[str, str] | None = None, short: int = 0
    ) -> None:
        """Answer in one piece; the connection breaks when the last ``short`` bytes are due."""
        self._head(status, {**(headers or {}), "content-type": kind, "content-length": str(len(content))})
        self.wfile.write(content[: len(content) - short])
        self.close_connection = self.close_connection or bool(short)

    def send_json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON."""
        self.send_whole(status, json.dumps(body).encode(), kind="application/json", headers=headers)

    def begin_stream(self) -> None:
        """Say that server-sent events follow."""
        self._head(200, {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"})

    def send_event(self, event: str) -> None:
        """Send one piece of the stream."""
        data = event.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end_stream(self) -> None:
        """End the stream in good order."""
        self.wfile.write(b"0\r\n\r\n")

    def wait(self, seconds: float) -> None:
        """Be silent.

        Raises:
            ConnectionError: The client went away meanwhile.
        """
        if seconds <= 0:
            return
        self.connection.settimeout(seconds)
        try:
            if not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError("The client went away.")
            self.server.stopping.wait(seconds)
        except TimeoutError:
            pass
        finally:
            self.connection.settimeout(None)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        # OpenAI and Anthropic name it differently.
        for name, value in {**headers, "x-request-id": self.request_id, "request-id": self.request_id}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of tests free of access logs."""
