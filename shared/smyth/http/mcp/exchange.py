"""One HTTP exchange: a message in, its answer out as JSON or as a stream of events.

Streamable HTTP without sessions: any instance answers any request. The protocol itself is the official package's;
here is what it leaves to its host: who may ask from a browser, batches, and clients that go away.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from mcp.server.streamable_http import check_accept_headers
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_REQUEST, PARSE_ERROR
from starlette.types import Message, Receive, Scope, Send
from ulid import ULID

from smyth.http.app import MAX_BODY_BYTES
from smyth.http.caller import Caller
from smyth.http.idempotency import HEADER as IDEMPOTENCY_HEADER
from smyth.http.json_bodies import MAX_DEPTH, depth_of
from smyth.http.mcp.server import AgentServer
from smyth.http.problems import Problem
from smyth.platform.agent_records import Agent

if TYPE_CHECKING:
    from smyth.engine import Plan

_VERSION_HEADER = "mcp-protocol-version"
#: The one version with batches; who says none has it.
_VERSION_OF_BATCHES = "2025-03-26"
_MOST_IN_BATCH = 20
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


async def exchange(request: Request, caller: Caller, agent: Agent, plan: Plan) -> Response:
    """Return the answer to a request, ready to be sent.

    Raises:
        Problem: 403, a web page of somebody else sent it.
    """
    check_origin(request.headers.get("origin"), caller.public_url)
    body = await request.body()
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return refusal(PARSE_ERROR, "The body is not JSON. Send one JSON-RPC message.")
    if depth_of(sent) > MAX_DEPTH:
        return refusal(INVALID_REQUEST, f"The message is nested deeper than {MAX_DEPTH} levels. Flatten it.")
    if isinstance(sent, list):
        return await _batch(request, sent, caller, agent, plan)
    return _Exchange(request, body, sent, caller, agent, plan)


def check_origin(origin: str | None, public_url: str) -> None:
    """Refuse web pages of others: a page could reach a server on its reader's machine by a name of its own.

    Raises:
        Problem: 403, the request comes from such a page.
    """
    if origin is None:
        return
    here = urlsplit(public_url)
    # On a laptop the address is what the client says, so it must be the laptop's own.
    is_known = here.scheme == "https" or here.hostname in _LOOPBACK
    if not is_known or origin != f"{here.scheme}://{here.netloc}":
        raise Problem(
            403, "forbidden_origin", "Web pages of other sites may not use this server. Call it from a program."
        )


def refusal(code: int, message: str) -> Response:
    """Return the answer to what is no message at all."""
    said = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Response(json.dumps(said), 400, media_type="application/json")


async def _batch(request: Request, messages: list[Any], caller: Caller, agent: Agent, plan: Plan) -> Response:
    """Answer several messages, one after the other, each as a request with an id of its own."""
    if request.headers.get(_VERSION_HEADER, _VERSION_OF_BATCHES) != _VERSION_OF_BATCHES:
        return refusal(INVALID_REQUEST, "This version of the protocol has no batches. Send one message at a time.")
    if not 0 < len(messages) <= _MOST_IN_BATCH:
        return refusal(INVALID_REQUEST, f"A batch holds 1 to {_MOST_IN_BATCH} messages. Send fewer at once.")
    if IDEMPOTENCY_HEADER in request.headers:
        return refusal(INVALID_REQUEST, "An Idempotency-Key is for one message. Send the messages one by one.")
    answers = []
    for message in messages:
        scope = {**request.scope, "smyth.request_id": str(ULID())}
        one = _Exchange(Request(scope), json.dumps(message).encode(), message, caller, agent, plan, streams=False)
        if (answer := await one.collected()) is not None:
            answers.append(answer)
    return Response(json.dumps(answers), media_type="application/json") if answers else Response(status_code=202)


class _Exchange(Response):
    """Hands one message to the protocol's server and stops it when the client goes away."""

    def __init__(
        self,
        request: Request,
        body: bytes,
        message: Any,
        caller: Caller,
        agent: Agent,
        plan: Plan,
        *,
        streams: bool = True,
    ) -> None:
        super().__init__()
        self._scope = dict(request.scope)
        self._sent = body
        # What bills the message reads its body once more.
        self._server = AgentServer(Request(self._scope, _once(body)), caller, agent, plan).build()
        calls = isinstance(message, dict) and message.get("method") == "tools/call"
        # A call may take long and have news; all else is answered at once.
        self._streams = streams and calls and all(check_accept_headers(request))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        work = asyncio.create_task(self._serve(send))
        watch = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            work.cancel()
            await asyncio.wait({work})
        if not work.cancelled():
            work.result()

    async def collected(self) -> Any:
        """Return the answer as a value, None where the message wants none."""
        pieces: list[bytes] = []

        async def collect(message: Message) -> None:
            pieces.append(message.get("body", b""))

        await self._serve(collect)
        body = b"".join(pieces)
        return json.loads(body) if body else None

    async def _serve(self, send: Send) -> None:
        manager = StreamableHTTPSessionManager(
            self._server, json_response=not self._streams, stateless=True, max_request_body_size=MAX_BODY_BYTES
        )
        async with manager.run():
            await manager.handle_request(self._scope, _once(self._sent), send)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _once(body: bytes) -> Receive:
    """Return what gives ``body`` and then nothing more."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return receive
