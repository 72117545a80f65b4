"""The model provider of a recorded conversation: answers from its script, in the form that it is asked in."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal

from smyth.sdk.compat.transcripts import wire
from smyth.sdk.compat.transcripts.served import served

Endpoint = Literal["chat/completions", "responses", "messages", "files", "other"]
_ENDPOINTS: tuple[Endpoint, ...] = ("chat/completions", "responses", "messages", "files")
_EXHAUSTED: dict[str, Any] = {
    "kind": "error",
    "status": 400,
    "body": {"error": {"message": "The script has no further turn."}},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the provider."""

    endpoint: Endpoint
    body: dict[str, Any]


@dataclass(slots=True)
class Provider:
    """What was asked of the provider."""

    script: deque[dict[str, Any]]
    #: Whether it takes files.
    takes_files: bool
    address: str = ""
    requests: list[Asked] = field(default_factory=list)
    uploads: int = 0


def endpoint_of(path: str) -> Endpoint:
    """Return the kind of endpoint that ``path`` names."""
    return next((kind for kind in _ENDPOINTS if path.partition("?")[0].endswith(f"/{kind}")), "other")


@contextmanager
def scripted_provider(script: list[dict[str, Any]], *, takes_files: bool) -> Iterator[Provider]:
    """Serve the provider."""
    provider = Provider(deque(script), takes_files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            endpoint = endpoint_of(self.path)
            body = _read(content)
            provider.requests.append(Asked(endpoint, body))
            if endpoint == "files":
                self._take_file()
                return
            model = str(body.get("model") or "")
            turn = provider.script.popleft() if provider.script else _EXHAUSTED
            if turn["kind"] == "error":
                self._json(turn["status"], turn["body"], turn.get("headers"))
            elif endpoint == "responses":
                self._stream(wire.typed_stream(wire.responses_events(turn, model)), turn)
            elif endpoint == "messages":
                self._stream(wire.typed_stream(wire.messages_events(turn, model)), turn)
            elif body.get("stream"):
                self._stream(wire.chat_stream(turn, model), turn)
            else:
                self._json(200, wire.chat_whole(turn, model))

        def _take_file(self) -> None:
            if not provider.takes_files:
                self._json(400, {"error": {"message": "No files here.", "type": "invalid_request_error"}})
                return
            provider.uploads += 1
            file = {"id": f"file-fake-{provider.uploads}", "object": "file", "bytes": 1, "created_at": 0}
            self._json(200, {**file, "filename": "file", "purpose": "user_data", "status": "processed"})

        def _stream(self, events: Iterable[str], turn: dict[str, Any]) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for event in events:
                data = event.encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            if turn["kind"] != "cut":
                self.wfile.write(b"0\r\n\r\n")

        def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with served(Handler) as address:
        provider.address = address
        yield provider


def _read(content: bytes) -> dict[str, Any]:
    """Return a request's body; that of an upload in the recordings' form."""
    try:
        body: dict[str, Any] = json.loads(content)
        return body
    except ValueError:
        return {"__raw_bytes": len(content), "__preview": content.decode("latin-1")}
