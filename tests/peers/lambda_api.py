"""Lambda's Invoke API over a socket, for one function that is here a callable.

Source: AWS's "Lambda API reference", Invoke: path, ``X-Amz-Function-Error``, and the form of errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

#: Of a synchronous call, in both directions.
MOST_BYTES = 6 * 1024 * 1024


class LambdaApi:
    """Serves one function by its name; use as a context manager."""

    def __init__(self, function: str, handler: Callable[[Any, Any], Any]) -> None:
        self.events: list[Any] = []
        #: Whom each call was for, where it said so.
        self.tenants: list[str | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._requests(function, handler))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LambdaApi:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _requests(self, function: str, handler: Callable[[Any, Any], Any]) -> type[BaseHTTPRequestHandler]:
        api = self

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                api.tenants.append(self.headers["X-Amz-Tenant-Id"])
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if unquote(self.path) != f"/2015-03-31/functions/{function}/invocations":
                    self._refuse(404, "ResourceNotFoundException", f"Function not found: {self.path}")
                elif len(body) > MOST_BYTES:
                    self._refuse(413, "RequestTooLargeException", f"{len(body)} byte payload is too large")
                else:
                    self._invoke(json.loads(body))

            def _invoke(self, event: Any) -> None:
                api.events.append(event)
                try:
                    # As the runtime interface client writes answers.
                    said, headers = json.dumps(handler(event, None), ensure_ascii=False).encode(), {}
                except Exception as error:
                    said = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__}).encode()
                    headers = {"X-Amz-Function-Error": "Unhandled"}
                self._answer(200, said, headers)

            def _refuse(self, status: int, kind: str, message: str) -> None:
                said = json.dumps({"Type": "User", "message": message}).encode()
                self._answer(status, said, {"x-amzn-ErrorType": kind})

            def _answer(self, status: int, said: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(said))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                """Tests print nothing."""

        return Requests
