"""A server that speaks OpenAI's chat protocol from a script: one turn per request, over a real socket.

with OpenAIServer(Say("Hello"), Fail(429, headers={"retry-after": "0"})) as server:
    client = openai.OpenAI(base_url=server.base_url, api_key="any")
"""

from __future__ import annotations

import json
import select
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """A tool call that the model asks for; ``arguments`` is JSON text."""

    name: str
    arguments: str = "{}"
    id: str = "call_1"


@dataclass(frozen=True)
class Say:
    """The model answers with text, thought, tool calls, or all of them."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    thinking: str = ""
    finish: str | None = None
    usage: dict[str, Any] | None = None


@dataclass(frozen=True)
class Fail:
    """The provider refuses or breaks down before it answers."""

    status: int
    message: str = "scripted failure"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The connection breaks after ``text``."""

    text: str


@dataclass(frozen=True)
class Hang:
    """The provider falls silent after ``text``; the turn ends when the client goes away."""

    text: str = ""


@dataclass(frozen=True)
class Raw:
    """Stream chunks exactly as they are given."""

    chunks: tuple[dict[str, Any], ...]


Turn = Say | Fail | Cut | Hang | Raw

#: A silent turn gives up after this long, so that a failing test ends.
_PATIENCE_S = 30
_PIECE = 8


class OpenAIServer:
    """Answers ``POST /v1/chat/completions`` turn by turn and keeps what it was asked."""

    def __init__(self, *script: Turn) -> None:
        self.script: deque[Turn] = deque(script)
        #: Bodies of the requests, in order of arrival.
        self.requests: list[dict[str, Any]] = []
        #: Headers of the requests, names in lower case.
        self.headers: list[dict[str, str]] = []
        #: Set when a client left a silent turn.
        self.client_left = threading.Event()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def base_url(self) -> str:
        """What a client takes as base URL."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def take(self, headers: dict[str, str], body: dict[str, Any]) -> Turn:
        """Note a request and return the turn that answers it."""
        with self._lock:
            self.headers.append(headers)
            self.requests.append(body)
            return self.script.popleft() if self.script else Fail(500, "The script has no further turn.")


def _handler_for(server: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    """Return the request handler class that serves ``server``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
            if not self.path.endswith("/chat/completions"):
                self._problem(Fail(404, f"There is nothing at {self.path}."))
                return
            turn = server.take({name.lower(): value for name, value in self.headers.items()}, body)
            if isinstance(turn, Fail):
                self._problem(turn)
            elif body.get("stream"):
                self._stream(turn, body["model"])
            else:
                self._whole(turn, body["model"])

        def _stream(self, turn: Turn, model: str) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.send_header("connection", "close")
            self.end_headers()
            for chunk in _chunks(turn, model):
                self._send(f"data: {json.dumps(chunk)}\n\n")
            if isinstance(turn, Cut):
                return
            if isinstance(turn, Hang):
                self._wait_for_client_to_leave()
                return
            self._send("data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")

        def _whole(self, turn: Turn, model: str) -> None:
            if not isinstance(turn, Say):
                self._problem(Fail(400, "This turn can only be streamed."))
                return
            self._json(200, _completion(turn, model))

        def _problem(self, turn: Fail) -> None:
            error = {"message": turn.message, "type": "scripted", "param": None, "code": None}
            self._json(turn.status, {"error": error}, turn.headers)

        def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _send(self, text: str) -> None:
            data = text.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _wait_for_client_to_leave(self) -> None:
            readable, _, _ = select.select([self.connection], [], [], _PATIENCE_S)
            if readable and not self.connection.recv(1):
                server.client_left.set()

        def log_message(self, format: str, *args: object) -> None:
            """Keep test output free of access logs."""

    return Handler


def _chunks(turn: Turn, model: str) -> Iterator[dict[str, Any]]:
    """Yield the stream chunks of a turn."""
    if isinstance(turn, Raw):
        yield from turn.chunks
        return
    yield _chunk(model, {"role": "assistant", "content": ""})
    if isinstance(turn, Cut | Hang):
        yield from (_chunk(model, {"content": piece}) for piece in _pieces(turn.text))
        return
    assert isinstance(turn, Say)
    yield from (_chunk(model, {"reasoning_content": piece}) for piece in _pieces(turn.thinking))
    yield from (_chunk(model, {"content": piece}) for piece in _pieces(turn.text))
    for index, call in enumerate(turn.calls):
        head = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield _chunk(model, {"tool_calls": [head]})
        for piece in _pieces(call.arguments):
            yield _chunk(model, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield _chunk(model, {}, finish=_finish(turn))
    yield {**_chunk(model, {}), "choices": [], "usage": _usage(turn)}


def _chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}


def _completion(turn: Say, model: str) -> dict[str, Any]:
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in turn.calls
    ]
    message = {"role": "assistant", "content": turn.text, **({"tool_calls": calls} if calls else {})}
    choice = {"index": 0, "message": message, "finish_reason": _finish(turn)}
    completion = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": model, "choices": [choice]}
    return {**completion, "usage": _usage(turn)}


def _finish(turn: Say) -> str:
    return turn.finish or ("tool_calls" if turn.calls else "stop")


def _usage(turn: Say) -> dict[str, Any]:
    return turn.usage or {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
