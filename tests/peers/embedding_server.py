"""A server that speaks OpenAI's embedding protocol: a text's vector counts its letters, so like texts are near."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import ascii_lowercase
from typing import Any


def letters(text: str) -> list[float]:
    """The vector of a text; a last member keeps texts without letters from having none."""
    return [*(float(text.lower().count(letter)) for letter in ascii_lowercase), 0.1]


class EmbeddingServer:
    """Answers ``POST /v1/embeddings`` and keeps what it was asked."""

    def __init__(self, *, status: int = 200, drop: int = 0) -> None:
        """Make a server.

        Args:
            status: Anything but 200 refuses all requests.
            drop: How many vectors each answer lacks.
        """
        self.status = status
        self.drop = drop
        self.inputs: list[list[str]] = []
        self.keys: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def base_url(self) -> str:
        """What a client takes as base URL."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> EmbeddingServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, model: str, texts: list[str]) -> dict[str, Any]:
        """Vectors out of order, as the protocol allows: each says which text it belongs to."""
        data = [{"object": "embedding", "index": n, "embedding": letters(text)} for n, text in enumerate(texts)]
        usage = {"prompt_tokens": 2 * len(texts), "total_tokens": 2 * len(texts)}
        return {"object": "list", "model": model, "data": data[: len(data) - self.drop][::-1], "usage": usage}


def _handler_for(server: EmbeddingServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
            server.inputs.append(asked["input"])
            key = self.headers.get("authorization", "").removeprefix("Bearer ")
            server.keys.append(key)
            answer: dict[str, Any] = {"error": {"message": f"refused {key}", "type": "scripted", "code": None}}
            if server.status == 200 and self.path == "/v1/embeddings":
                answer = server.answer(asked["model"], asked["input"])
            content = json.dumps(answer).encode()
            self.send_response(server.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep test output free of access logs."""

    return Handler
