"""The Lambda Runtime API, as a function's runtime interface client sees it.

Source: AWS's "Lambda runtime API" (2018-06-01): ``next``, ``response``, ``error``, ``init/error``; ``restore/next`` as
AWS's runtime interface client for Python asks it once it is ready for its snapshot.
"""

from __future__ import annotations

import json
import queue
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

_PREFIX = "/2018-06-01/runtime"
_ARN = "arn:aws:lambda:us-east-1:000000000000:function:under-test"


@dataclass(frozen=True)
class Answer:
    """What the runtime posted: to ``response``, ``error`` or ``init/error``."""

    kind: str
    payload: Any


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A function that is ended while it asks for the next event is no fault."""


class LambdaRuntimeApi:
    """Serves one function process; use as a context manager."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[Answer] = queue.Queue()
        #: Whether the function was ready for its snapshot; it then goes on at once, as if restored.
        self.snapshot_taken = False
        self._server = _Server(("127.0.0.1", 0), self._handler())

    @property
    def address(self) -> str:
        """The value for ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self._server.server_port}"

    def invoke(self, event: Any, timeout_s: float) -> Answer:
        """Hand out one event and wait for the function's answer."""
        self._events.put((str(uuid4()), json.dumps(event).encode()))
        return self._answers.get(timeout=timeout_s)

    def __enter__(self) -> LambdaRuntimeApi:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body leave at once; else each event waits 40 ms for the client to confirm the head.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                if self.path == f"{_PREFIX}/restore/next":
                    api.snapshot_taken = True
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                assert self.path == f"{_PREFIX}/invocation/next", self.path
                request_id, event = api._events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 29_000))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", _ARN)
                self.send_header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api._answers.put(Answer(self.path.removeprefix(_PREFIX), json.loads(body or b"null")))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
