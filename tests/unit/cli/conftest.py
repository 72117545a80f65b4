from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from smyth.cli.main import main

PROJECT = Path(__file__).resolve().parents[3]


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


Smyth = Callable[..., Ran]


@pytest.fixture
def smyth(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Smyth:
    """Run the command in an empty folder, with nothing of a server in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("SMYTH_URL", "SMYTH_KEY", "SMYTH_MODELS", "SMYTH_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str | Path) -> Ran:
        code: int | str | None = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        return Ran(int(code or 0), told.out, told.err)

    return run


@dataclass
class Api:
    """A server that answers what a test says and keeps what it was asked."""

    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None, bytes]] = field(default_factory=list)
    #: Of each request, names in lower case.
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[Api]:
    """An HTTP server for the commands that speak with one."""
    state = Api()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            state.asked.append((self.command, self.path, self.headers.get("x-api-key"), body))
            status, content = state.answers.get(f"{self.command} {self.path.split('?')[0]}", (404, "nothing"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        yield state
        server.shutdown()
