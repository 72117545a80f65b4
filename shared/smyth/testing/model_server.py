"""The server as its users see it: give it a script, ask it, look at what it was asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

from smyth.testing.asked import Asked
from smyth.testing.connections import Sockets
from smyth.testing.files import File
from smyth.testing.handler import Handler
from smyth.testing.obedience import obey
from smyth.testing.turns import Fail, Turn

#: Whose words a server without a script obeys.
Obeys = Literal["user", "everyone"]


class ModelServer:
    """Answers as a provider of models would, and keeps what it was asked.

    With a script every request for an answer takes the next turn; without one the server obeys the words of the
    last user message, see docs/testing.md.
    """

    def __init__(
        self,
        *script: Turn,
        port: int = 0,
        expect_key: str | None = None,
        obeys: Obeys = "user",
        failing: Mapping[str, Fail] | None = None,
        keep: int | None = None,
        models: tuple[str, ...] = ("scripted", "scripted-claude"),
    ) -> None:
        """Make a server; it answers inside its ``with`` block.

        Args:
            script: The turns, in order; more can be appended to ``script`` later.
            port: Where to listen; 0 takes a free one.
            expect_key: The only key that is let in; by default any is.
            obeys: Whose words are obeyed where no script is: the last user's, or everyone's, wherever they stand.
            failing: What fails whatever is asked, by the last part of its path: ``{"embeddings": Fail(500)}``.
            keep: How many requests are remembered, the newest; by default all.
            models: What ``/v1/models`` lists.
        """
        self.script: deque[Turn] = deque(script)
        #: JSON bodies of the requests to models, in order of arrival.
        self.requests: list[dict[str, Any]] = []
        #: Their headers, names in lower case.
        self.headers: list[dict[str, str]] = []
        #: Their paths.
        self.paths: list[str] = []
        #: Files that were uploaded and not deleted, by id.
        self.files: dict[str, File] = {}
        #: Set when a client left before its answer was whole.
        self.client_left = threading.Event()
        self.expect_key = expect_key
        self.failing = dict(failing or {})
        self.models = models
        self._keep = keep
        self._asked = 0
        self._scripted = bool(script)
        self._everyone = obeys == "everyone"
        self._lock = threading.Lock()
        self._sockets = Sockets(port, type("OwnHandler", (Handler,), {"owner": self}))
        self._thread = threading.Thread(target=self._sockets.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._sockets.server_address[1]
        return port

    @property
    def url(self) -> str:
        """What Anthropic's clients take as base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What OpenAI's clients take as base URL."""
        return f"{self.url}/v1"

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sockets.stop()
        self._thread.join()

    def note(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> int:
        """Keep a request; returns its number, from 1."""
        with self._lock:
            self.paths.append(path)
            self.headers.append(headers)
            self.requests.append(body)
            if self._keep is not None and len(self.requests) > self._keep:
                del self.paths[0], self.headers[0], self.requests[0]
            self._asked += 1
            return self._asked

    def turn(self, asked: Asked) -> Turn:
        """Return the turn that answers a request."""
        with self._lock:
            if self.script:
                self._scripted = True
                return self.script.popleft()
        if self._scripted:
            return Fail(500, "The script has no further turn.")
        return obey(asked, everyone=self._everyone)
