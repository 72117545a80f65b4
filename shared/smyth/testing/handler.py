"""Who answers at which address."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from smyth.testing import chat_completions
from smyth.testing.asked import Dialect, Refused
from smyth.testing.connections import Connection
from smyth.testing.delivery import deliver, fail
from smyth.testing.turns import Fail

if TYPE_CHECKING:
    from smyth.testing.model_server import ModelServer

_DIALECTS: dict[str, Dialect] = {"chat/completions": chat_completions}


class Handler(Connection):
    """Serves the addresses of OpenAI and Anthropic; made anew for each connection."""

    #: Whom it serves; set by a class of its own per server.
    owner: ModelServer

    def do_POST(self) -> None:  # noqa: N802
        """Answer for a model."""
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self._path()
        dialect = _DIALECTS.get(path)
        if dialect is None:
            self._refuse(Fail(404, f"There is nothing at {self.path}."))
            return
        body = _object(content)
        if body is None:
            fail(Fail(400, "The body is not a JSON object."), self, dialect)
            return
        number = self.owner.note(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.request_id = f"req_{number}"
        refusal = self._refusal(path)
        if refusal:
            fail(refusal, self, dialect)
        else:
            self._answer(dialect, body, number)

    def _answer(self, dialect: Dialect, body: dict[str, Any], number: int) -> None:
        try:
            asked = dialect.read(body, number)
            deliver(self.owner.turn(asked), self, dialect, asked)
        except Refused as refused:
            fail(Fail(400, str(refused)), self, dialect)
        except ConnectionError:
            self.close_connection = True
            if not self.server.stopping.is_set():
                self.owner.client_left.set()

    def _refuse(self, refusal: Fail) -> None:
        fail(refusal, self, chat_completions)

    def _path(self) -> str:
        """The path below ``/v1``, which clients of some libraries name twice."""
        path = urlsplit(self.path).path.strip("/")
        while path.startswith("v1/"):
            path = path.removeprefix("v1/")
        return path

    def _refusal(self, path: str) -> Fail | None:
        """Why this request is not let in."""
        given = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
        if self.owner.expect_key is not None and given != self.owner.expect_key:
            return Fail(401, f"Incorrect API key provided: {given[:3]}***. Use the one that the server expects.")
        return self.owner.failing.get(path.rpartition("/")[2])


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
