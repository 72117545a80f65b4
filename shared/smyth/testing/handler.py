"""Who answers at which address."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from smyth.testing import chat_completions, embeddings, files, messages, moderations, responses
from smyth.testing.asked import Dialect, Refused
from smyth.testing.connections import Connection
from smyth.testing.delivery import deliver, fail
from smyth.testing.turns import Fail

if TYPE_CHECKING:
    from smyth.testing.model_server import ModelServer

_Read = TypeVar("_Read")
#: Ways to ask a model.
_DIALECTS: dict[str, Dialect] = {"chat/completions": chat_completions, "messages": messages, "responses": responses}
#: Addresses whose answers are not scripted.
_SERVICES = ("embeddings", "moderations")


class Handler(Connection):
    """Serves the addresses of OpenAI and Anthropic."""

    #: Whom it serves; each server has a class of its own.
    owner: ModelServer

    def do_POST(self) -> None:  # noqa: N802
        """Take a file, or ask a model."""
        content = self._body()
        path = self._path()
        if path in _DIALECTS or path in _SERVICES:
            self._ask(path, content)
        elif path == "files":
            self._upload(content)
        else:
            self._fail(self._refusal() or self._nothing_here())

    def do_GET(self) -> None:  # noqa: N802
        """Tell of models and files."""
        kind, _, name = self._path().partition("/")
        name, _, part = name.partition("/")
        refusal = self._refusal()
        if refusal:
            self._fail(refusal)
        elif kind == "models" and (not name or name in self.owner.models):
            self.send_json(200, self._model(name) if name else self._models())
        elif kind == "files" and not name:
            told = [file.told() for file in self.owner.files.values()]
            self.send_json(200, {"object": "list", "data": told, "has_more": False})
        elif kind == "files" and name in self.owner.files:
            file = self.owner.files[name]
            if part == "content":
                self.send_whole(200, file.content, kind="application/octet-stream")
            else:
                self.send_json(200, file.told())
        else:
            self._fail(self._nothing_here())

    def do_DELETE(self) -> None:  # noqa: N802
        """Forget a file."""
        kind, _, name = self._path().partition("/")
        refusal = self._refusal()
        if refusal or kind != "files" or self.owner.files.pop(name, None) is None:
            self._fail(refusal or self._nothing_here())
        else:
            self.send_json(200, {"id": name, "object": "file", "deleted": True})

    def _body(self) -> bytes:
        """Read the request's body, told by its length or sent in chunks."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # Trailers, which nobody sends.
            pass
        return b"".join(chunks)

    def _ask(self, path: str, content: bytes) -> None:
        dialect = _DIALECTS.get(path, chat_completions)
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            fail(Fail(400, "The body is not a JSON object."), self, dialect)
            return
        number = self.owner.note(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.request_id = f"req_{number}"
        refusal = self._refusal()
        try:
            if refusal:
                fail(refusal, self, dialect)
            elif path == "embeddings":
                self.send_json(200, _sensible(lambda: embeddings.answer(body)))
            elif path == "moderations":
                self.send_json(200, _sensible(lambda: moderations.answer(body, number)))
            else:
                asked = _sensible(lambda: dialect.read(body, number))
                deliver(self.owner.turn(asked), self, dialect, asked)
        except Refused as refused:
            fail(Fail(400, str(refused)), self, dialect)
        except ConnectionError:
            self.close_connection = True
            if not self.server.stopping.is_set():
                self.owner.client_left.set()

    def _upload(self, content: bytes) -> None:
        refusal = self._refusal()
        if refusal:
            self._fail(refusal)
            return
        try:
            file = files.read_upload(self.headers.get("content-type", ""), content)
        except Refused as refused:
            self._fail(Fail(400, str(refused)))
            return
        self.owner.files[file.id] = file
        self.send_json(200, file.told())

    def _models(self) -> dict[str, Any]:
        data = [self._model(name) for name in self.owner.models]
        return {"object": "list", "data": data, "has_more": False, "first_id": None, "last_id": None}

    def _model(self, name: str) -> dict[str, Any]:
        """A model as both OpenAI and Anthropic tell of it."""
        of_anthropic = {"type": "model", "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
        return {"id": name, "object": "model", "created": 0, "owned_by": "smyth", **of_anthropic}

    def _fail(self, failure: Fail) -> None:
        fail(failure, self, messages if "anthropic-version" in self.headers else chat_completions)

    def _nothing_here(self) -> Fail:
        return Fail(404, f"There is nothing at {self.command} {self.path}.")

    def _refusal(self) -> Fail | None:
        """Why this request is not let in."""
        given = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
        if self.owner.expect_key is not None and given != self.owner.expect_key:
            return Fail(401, "Incorrect API key provided. Use the one that this server was started with.")
        return self.owner.failing.get(self._path().rpartition("/")[2])

    def _path(self) -> str:
        """The path below ``/v1``, which some clients name twice."""
        path = urlsplit(self.path).path.strip("/")
        while path.startswith("v1/"):
            path = path.removeprefix("v1/")
        return path


def _sensible(read: Callable[[], _Read]) -> _Read:
    """Read a request.

    Raises:
        Refused: It has not the shape that it must have.
    """
    try:
        return read()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"A member of the request has not the type that it must have ({error!r}).") from None
